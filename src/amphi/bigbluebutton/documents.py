"""Writes the documents of ``create`` and ``insertDocument`` as XML."""

import base64
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, tostring  # only writes: parsing is defusedxml's

from amphi.bigbluebutton.objects import Presentation


def request_body(presentations: Iterable[Presentation]) -> bytes:
    """The request body that contains the documents."""
    modules = Element("modules")
    module = SubElement(modules, "module", name="presentation")
    for one in presentations:
        attributes = {
            "current": str(one.current).lower(),
            "downloadable": str(one.downloadable).lower(),
            "removable": str(one.removable).lower(),
        }
        if one.url:
            SubElement(module, "document", {**attributes, "url": one.url, "filename": one.name})
        else:
            document = SubElement(module, "document", {**attributes, "name": one.name})
            document.text = base64.b64encode(one.content).decode("ascii")
    body: bytes = tostring(modules, encoding="utf-8", xml_declaration=True)
    return body
