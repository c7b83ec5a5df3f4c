from django.db import migrations, models
from django.db.models import Q

QUEUED = Q(status="open", actionable=True)
INDEXES = {
    "case_queue": (["-priority", "-id"], QUEUED),
    "case_mine": (["assignee", "-priority", "-id"], QUEUED),
    "case_unassigned": (["-priority", "-id"], Q(status="open", actionable=True, assignee__isnull=True)),
    "case_due": (["response_due_at", "id"], Q(status="open", actionable=True, response_due_at__isnull=False)),
}


class Migration(migrations.Migration):
    dependencies = [("cases", "0007_look_at_resolved")]
    operations = [
        operation
        for name, (fields, condition) in INDEXES.items()
        for operation in (
            migrations.RemoveIndex("case", name),
            migrations.AddIndex("case", models.Index(fields=[*fields, "purpose"], condition=condition, name=name)),
        )
    ]
