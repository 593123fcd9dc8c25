"""An evaluation: how far the rows of each text spread around their centre."""


def why_not(subject):
    return None if len(subject.rows_1) > 1 else "one passage has no spread"


def measured(subject):
    return {
        "spread_1": float(subject.rows_1.std(axis=0).mean()),
        "spread_2": float(subject.rows_2.std(axis=0).mean()),
    }
