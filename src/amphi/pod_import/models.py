"""What came from Esup-Pod, so that it comes once."""

from django.db import models


class Imported(models.Model):
    """One row of a Pod, and what it is here.

    Attributes:
        source: which Pod.
        kind: what it is, such as ``meeting``.
        pod_id: its number there.
        object_id: its number here. When nothing has that number any more, it was deleted here, and does not come again.
        told: a digest of the row as it was imported last.
        written: a digest of what was written here then; empty for what was here before. Anything else here now was changed here.
    """

    source = models.CharField(max_length=80)
    kind = models.CharField(max_length=20)
    pod_id = models.PositiveBigIntegerField()
    object_id = models.PositiveBigIntegerField()
    told = models.CharField(max_length=64)
    written = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "kind", "pod_id"], name="imported_once"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.kind} {self.pod_id}"
