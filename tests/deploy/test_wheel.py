"""A wheel carries what `npm ci` and `msgfmt` made, so that who installs it needs neither."""

import subprocess
import zipfile

from django.conf import settings

from amphi.classroom.site import LIBRARIES
from amphi.pages.templatetags import icons
from amphi.system import vendor
from tests.deploy.machine import TOP


def test_wheel_carries_libraries_and_catalogues(tmp_path):
    subprocess.run([TOP / "deploy" / "wheel", tmp_path], check=True, capture_output=True, timeout=300)
    [wheel] = tmp_path.glob("amphi-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    served = [folder.relative_to(vendor.node_modules()) for _, folder in settings.STATICFILES_DIRS]
    for library in (*LIBRARIES.values(), *served, icons.FOLDER):
        installed = [path for path in (vendor.node_modules() / library).rglob("*") if path.is_file()]
        wanted = {f"amphi/front_end/{path.relative_to(vendor.node_modules())}" for path in installed}
        assert {name for name in wanted if not name.endswith(".map")} <= names
    assert "amphi/locale/fr/LC_MESSAGES/django.mo" in names
    assert any(name.startswith("amphi/front_end/hls.js/LICENSE") for name in names)
    assert not any(name.startswith("tests/") for name in names)
