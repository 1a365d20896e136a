"""Writes the given names and surnames of all locales of the Python package Faker (MIT) to W/faker-python.json, for names.ts."""

import argparse
import importlib
import json
from pathlib import Path

from faker.config import AVAILABLE_LOCALES


def texts(value):
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return texts(list(value.keys()))
    if isinstance(value, (list, tuple, set)):
        return [text for each in value for text in texts(each)]
    return []


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
    return {"given": sorted(given), "surname": sorted(surname)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    work = Path(parser.parse_args().work)
    (work / "faker-python.json").write_text(json.dumps(names(), ensure_ascii=False))
