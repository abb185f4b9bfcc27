"""What the policy of Trusted Types lets libraries write, and what it does not."""

import json
import subprocess
from pathlib import Path

from tests.services import NODE

HTML = (
    '<style>:host { display: block }</style><slot name="media"></slot><svg viewBox="0 0 24 24"><path d="M0 0"/></svg>',
    "<a href='' disabled='disabled'></a><select disabled='disabled'><option/></select>",
    "<form></form><form></form>",  # jQuery tries this as it begins
    '<span class="select2-selection" role="combobox" aria-haspopup="true"></span>',
    "1 < 2, and bonjour = on",
)
SCRIPTS = ("blob:https://amphi.example.org/1b2c",)
NEITHER = (
    "<script>alert(1)</script>",
    "<SCRIPT src=//evil.example>",
    "< script>",
    "<svg><script href=x></svg>",
    '<img src=x onerror="alert(1)">',
    "<img src=x OnError =alert(1)>",
    "<svg/onload=alert(1)>",
    '<b title="x"onclick=alert(1)>',
    '<iframe srcdoc="x"></iframe>',
    "<base href=//evil.example>",
    '<meta http-equiv="refresh" content="0;url=//evil.example">',
    "<form action=//evil.example><input name=password>",
    "<object data=x>",
    "<math><mtext></math>",
    '<a href="JavaScript:alert(1)">',
    "<link rel=stylesheet href=//evil.example>",
)
SCRIPTS_OF_OTHERS = (
    "https://amphi.example.org/static/x.js",
    "blob:https://evil.example/1b2c",
    "blob:https://amphi.example.org.evil.example/1",
    "data:text/javascript,1",
)


def test_libraries_write_their_controls_and_nothing_that_runs_fetches_or_sends():
    texts = [*HTML, *NEITHER, *SCRIPTS, *SCRIPTS_OF_OTHERS]
    command = [NODE, "--no-warnings", str(Path(__file__).with_name("trusted.mjs"))]
    output = subprocess.run(
        command, input=json.dumps(texts), check=True, capture_output=True, text=True, timeout=60
    )
    said = json.loads(output.stdout)
    passed = dict(zip(texts, said["passed"], strict=True))
    assert said["name"] == "default"
    assert {text for text in (*HTML, *NEITHER) if passed[text]["html"]} == set(HTML)
    assert {text for text in texts if passed[text]["script"]} == set(SCRIPTS)
