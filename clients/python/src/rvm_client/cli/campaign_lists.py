"""`rvm campaigns import`: a list of recipients, checked, and confirmed where its consent is stated."""

from __future__ import annotations

import argparse
from pathlib import Path

from rvm_client import Client, Invalid
from rvm_client.cli.exits import Exit, WrongUse
from rvm_client.cli.following import rounds
from rvm_client.cli.options import id_of
from rvm_client.cli.output import Bar, Output
from rvm_client.rows import RecipientImportDetail

_UNDER_WAY = frozenset({"checking", "importing"})


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = verbs.add_parser("import", parents=[common], help="upload and check a list of people; confirm it")
    parser.add_argument("campaign", type=id_of, help="the id")
    parser.add_argument("list", nargs="?", help="CSV or XLSX")
    parser.add_argument(
        "--import", dest="earlier", type=id_of, metavar="ID", help="go on with a list that is uploaded already"
    )
    parser.add_argument("--columns", metavar="A,B,…", help="what the columns are, from the left; empty where not read")
    parser.add_argument("--sheet", help="of a workbook")
    parser.add_argument(
        "--consent-statement", metavar="TEXT", help="your statement on these people's consent; without it, only a check"
    )
    parser.add_argument("--errors", metavar="FILE", help="write the rows that were not accepted as CSV")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, client: Client, out: Output) -> int:
    if bool(options.list) == bool(options.earlier):
        raise WrongUse("Name the file of the list, or --import with the id of one that is uploaded.")
    if options.consent_statement is not None and not options.consent_statement.strip():
        raise WrongUse("--consent-statement is empty. State these people's consent, or leave it out for a check alone.")
    imports, campaign = client.campaigns.imports, options.campaign
    with out.bar("Uploading", None) as bar:
        found = imports.get(campaign, options.earlier) if options.earlier else _upload(options, client)
        if found["state"] == "uploaded":
            imports.check(campaign, found["id"])
            found = _settled(client, found, bar)
    _tell(found, out)
    if options.errors and found["state"] != "failed":
        imports.errors(campaign, found["id"], Path(options.errors))
    if found["state"] == "checked" and options.consent_statement:
        with out.bar("Importing", found["counts"].get("accepted")) as bar:
            imports.confirm(campaign, found["id"], consent_statement=options.consent_statement)
            found = _settled(client, found, bar)
        _tell(found, out)
    elif found["state"] == "checked" and found["counts"].get("accepted"):
        out.remark("Nobody of this list is in the campaign yet. To add those who were accepted, state their consent:")
        out.remark(f"  rvm campaigns import {campaign} --import {found['id']} --consent-statement '…'")
    elif found["state"] == "checked":
        out.remark("No row of this list can be accepted. Correct it and import it again.")
        return Exit.OTHERWISE
    return Exit.DONE if found["state"] in ("checked", "completed") else Exit.OTHERWISE


def _upload(options: argparse.Namespace, client: Client) -> RecipientImportDetail:
    file = Path(options.list)
    columns = [column.strip() for column in options.columns.split(",")] if options.columns else ()
    try:
        file.open("rb").close()
    except OSError as error:
        raise WrongUse(f"{file} cannot be read: {error.strerror}.") from error
    try:
        return client.campaigns.imports.upload(options.campaign, file, columns=columns, sheet=options.sheet)
    except Invalid as error:
        if any(field.pointer.startswith("/columns") for field in error.fields):
            error.add_note("--columns names them from the left, such as --columns phone,first_name.")
        raise


def _settled(client: Client, found: RecipientImportDetail, bar: Bar) -> RecipientImportDetail:
    """The list once nothing goes on with it in the background."""
    for _ in rounds(client, None):
        found = client.campaigns.imports.get(found["campaign_id"], found["id"])
        if found["state"] in ("importing", "completed"):
            bar.show(found["rows_imported"], found["counts"].get("accepted"), "Importing")
        else:
            bar.show(found["rows_read"], None, "Checking")
        if found["state"] not in _UNDER_WAY:
            break
    return found


def _tell(found: RecipientImportDetail, out: Output) -> None:
    row = {
        "import_id": found["id"],
        "campaign_id": found["campaign_id"],
        "state": found["state"],
        "rows_read": found["rows_read"],
        "rows_imported": found["rows_imported"],
        "counts": found["counts"],
        "codes": found["codes"],
    }
    counts = ", ".join(f"{number} {outcome}" for outcome, number in found["counts"].items() if number)
    error = f": {found['error']}" if found["error"] else ""
    told = f": {counts}" if counts else ""
    out.result(row, f"{found['id']} {found['state']}{error}{told}")
    if found["state"] != "checked":
        return
    for warning in found["warnings"]:
        out.warning(warning)
    for wrong in found["first_errors"]:
        out.remark(f"Row {wrong['row_number']}: {wrong['detail']} ({wrong['code']})")
    others = sum(found["counts"].values()) - found["counts"].get("accepted", 0) - len(found["first_errors"])
    if others > 0:
        out.remark(f"And {others} more; --errors FILE writes all of them, each with what is wrong.")
