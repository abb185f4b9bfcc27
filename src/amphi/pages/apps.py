from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class PagesConfig(AppConfig):
    name = "amphi.pages"


class StaticFiles(StaticFilesConfig):
    """Static files without the libraries' builds and source maps that no page uses: nine tenths of their bytes."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        *("*.map", "*.ts", "*.mts", "cjs", "iife", "experimental", "custom-elements.json"),
        *(
            "*.rtl.*",
            "bootstrap-*.css",
            "bootstrap.css",
            "bootstrap.*js",
        ),
        *(
            "hls.js",
            "hls.mjs",
            "hls.min.*",
            "hls.light.js",
            "hls.light.mjs",
            "hls.light.min.js",
            "hls.worker.js",
            "hls-demo.js",
        ),
    ]
