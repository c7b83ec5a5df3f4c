"""Which worker handles which lane: leases, shared out fairly among the workers alive."""

from __future__ import annotations

import random
from datetime import timedelta

from parlour.lib import clock
from parlour.spine.models import Lease
from parlour.traffic.models import LANES

LANE_SECONDS = 30
ALIVE_SECONDS = 15


def _name(lane: int) -> str:
    return f"lane:{lane}"


def prepare() -> None:
    """Make the rows the leases live in."""
    now = clock.now()
    Lease.objects.bulk_create([Lease(name=_name(lane), until=now) for lane in range(LANES)], ignore_conflicts=True)


def take(owner: str, wanted: set[int]) -> list[int]:
    """Those of the ``wanted`` lanes that ``owner`` holds now, at most its fair share."""
    names = [_name(lane) for lane in wanted]
    if (share := _share()) < len(names):
        names = random.sample(names, share)
    now = clock.now()
    free = Lease.objects.filter(name__in=names, until__lte=now)
    if not free.update(owner=owner, until=now + timedelta(seconds=LANE_SECONDS)):
        return []
    held = Lease.objects.filter(name__in=names, owner=owner, until__gt=now)
    return [int(name.partition(":")[2]) for name in held.values_list("name", flat=True)]


def give_back(owner: str) -> None:
    """Free every lane of ``owner``."""
    Lease.objects.filter(name__startswith="lane:", owner=owner).update(owner="", until=clock.now())


def forget_all() -> None:
    """Free every lane of everybody: at the start of the only process there is (SQLite), leases left by a crash hold up nobody."""
    Lease.objects.filter(name__startswith="lane:").update(owner="", until=clock.now())


def alive(owner: str) -> None:
    """Tell that a worker is there."""
    now = clock.now()
    row = Lease(name=f"worker:{owner}", owner=owner, until=now + timedelta(seconds=ALIVE_SECONDS))
    Lease.objects.bulk_create([row], update_conflicts=True, update_fields=["until"], unique_fields=["name"])
    Lease.objects.filter(name__startswith="worker:", until__lt=now - timedelta(minutes=10)).delete()


def _share() -> int:
    workers = Lease.objects.filter(name__startswith="worker:", until__gt=clock.now()).count()
    return LANES if workers <= 1 else -(-LANES // workers)
