"""Shares of a total in whole numbers, restated: by largest remainder, one each at least while there are enough."""


def whole_shares(quotas: list[float], total: int, room: list[int]) -> list[int]:
    """Of equal remainders the first gets one more; nothing gets more than it has room for."""
    if total == sum(room):
        return room
    quotas = [round(total * quota / sum(quotas), 6) for quota in quotas]
    counts = [min(max(1, int(quota)), most) for quota, most in zip(quotas, room, strict=True)]
    while sum(counts) < total:
        wanting = [g for g in range(len(counts)) if counts[g] < room[g]]
        counts[max(wanting, key=lambda g: (round(quotas[g] - counts[g], 6), -g))] += 1
    while sum(counts) > total:
        least = 1 if max(counts) > 1 else 0
        giving = [g for g in range(len(counts)) if counts[g] > least]
        counts[min(giving, key=lambda g: (round(quotas[g] - counts[g], 6), g))] -= 1
    return counts
