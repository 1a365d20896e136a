"""Writes the given names and surnames of all locales of the Python package Faker (MIT), and those of the census of the United States of
1990 as the package names has them (MIT; the census is in the public domain), to W/faker-python.json, for names.ts."""

import argparse
import importlib
import json
from pathlib import Path

import names as census  # the package
from faker.config import AVAILABLE_LOCALES


def texts(value):
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return texts(list(value.keys()))
    if isinstance(value, (list, tuple, set)):
        return [text for each in value for text in texts(each)]
    return []


def ranked(*files):
    """The names of the census, the most common first."""
    rows = [line.split() for file in files for line in Path(census.full_path(file)).read_text().splitlines()]
    return [row[0].capitalize() for row in sorted(rows, key=lambda row: -float(row[1]))]


def names():
    given, surname = set(), set()
    for locale in sorted(AVAILABLE_LOCALES):
        try:
            provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        except ImportError:
            continue
        for key in dir(provider):
            value = getattr(provider, key)
            if key.startswith("_") or "format" in key or callable(value):
                continue
            if "first_name" in key:
                given.update(texts(value))
            elif "last_name" in key or "surname" in key:
                surname.update(texts(value))
    return {
        "given": sorted(given),
        "surname": sorted(surname),
        "census_given": ranked("dist.male.first", "dist.female.first"),
        "census_surname": ranked("dist.all.last"),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    work = Path(parser.parse_args().work)
    (work / "faker-python.json").write_text(json.dumps(names(), ensure_ascii=False))
