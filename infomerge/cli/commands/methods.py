"""`infomerge methods`: what `--method` takes."""

import textwrap

import click


@click.command()
def command() -> None:
    """List the methods for --method, and their options for --set."""
    from infomerge.methods import METHODS

    for method in METHODS.values():
        click.echo(f"{method.name}: {method.summary}")
        needs = f"needs: {', '.join(method.needs)}; " if method.needs else ""
        options = f"{needs}options: {', '.join(method.options) or 'none'}"
        click.echo(textwrap.fill(options, width=100, initial_indent="    ", subsequent_indent="    "))
