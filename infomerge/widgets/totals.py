"""How many tokens were asked for, and how many are kept of each kind, as bars of one scale."""

from infomerge.pipeline import BudgetPlan


def totals_html(plan: BudgetPlan, pinned: BudgetPlan | None) -> str:
    """The bars of the present configuration, and of the pinned one before it.

    HTML, because it is shown at once: drawing a figure would take as long as all panels over time.
    """
    kept = {"kept": plan} if pinned is None else {"A kept": pinned, "B kept": plan}
    longest = max(plan.requested, *(shown.kept for shown in kept.values()))
    rows = [_bar_row(f"requested {plan.requested:,}", {"": plan.requested}, longest)]
    for name, shown in kept.items():
        drift = shown.kept - shown.requested
        label = f"{name} {shown.kept:,}" + (f" ({drift:+,})" if drift else "")
        rows.append(_bar_row(label, {"salient": shown.salient, "context": shown.context}, longest))
    return f'<div class="totals">{"".join(rows)}</div>'


def _bar_row(label: str, parts: dict[str, int], longest: int) -> str:
    bars = "".join(
        f'<span class="part {kind or "all"}" style="width: {100 * count / longest:.2f}%"'
        f' title="{count:,} {kind or "requested"}">{f"{count:,} {kind}" if kind else ""}</span>'
        for kind, count in parts.items()
        if count
    )
    return f'<span>{label}</span><span class="bar">{bars}</span>'
