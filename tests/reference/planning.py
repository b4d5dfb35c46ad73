"""Required events, power, conditional and predictive power, alpha spending: closed forms."""

from oligomdt import pooling


def tolerance(path):
    # The chance of the wrong direction, 3e-9 here and there: by its digits.
    if path.endswith("/p_harm"):
        return "logarithm", 1e-10
    # Events go into the hundreds.
    return ("relative" if path.endswith("/events") else "absolute"), 1e-10


def required(row):
    events = pooling.required_events(
        row["hr"],
        row["power"],
        row.get("alpha_two_sided", 0.05),
        row["allocation_treated"],
    )
    return {**row, "events": events}


def required_events(data, name):
    return [required(row) for row in data["required_events"]]


def required_events_2to1(data, name):
    return required(data["required_events_2to1"])


def power_given_events(data, name):
    rows = []
    for row in data["power_given_events"]:
        one = pooling.power(row["events"], row["hr"])
        direction = {"benefit_direction": one.same_direction, "two_sided": one.two_sided}
        rows.append({**row, **direction})
    return rows


# Names of the reference and of the package.
FIELDS = {
    "mean_z": "z_mean",
    "sd_z": "z_sd",
    "p_benefit": "benefit",
    "p_harm": "harm",
    "expected_updated_log_hr": "updated_log_hr",
    "updated_se": "updated_se",
}


def filled(row, result):
    return row | {key: getattr(result, field) for key, field in FIELDS.items() if key in row}


def conditional(row):
    given = (row["est"], row["se"], row["new_events"], row["assumed_log_hr"])
    return filled(row, pooling.conditional_power(*given, tau2=row.get("tau2", 0)))


def conditional_power(data, name):
    return [conditional(row) for row in data["conditional_power_common_effect"]]


def conditional_power_random(data, name):
    return [conditional(row) for row in data["conditional_power_random_effects"]]


def predictive_power(data, name):
    return [
        filled(
            row,
            pooling.predictive_power(row["est"], row["se"], row["new_events"], row["tau2"]),
        )
        for row in data["predictive_power"]
    ]


def alpha_spent(data, name):
    block = data["obrien_fleming_type_alpha_spent"]
    spent = [pooling.alpha_spent(t) for t in block["information_fraction"]]
    return {**block, "alpha_spent": spent}


COMPUTE = {
    ("planning", "required_events"): required_events,
    ("planning", "required_events_2to1"): required_events_2to1,
    ("planning", "power_given_events"): power_given_events,
    ("planning", "conditional_power_common_effect"): conditional_power,
    ("planning", "conditional_power_random_effects"): conditional_power_random,
    ("planning", "predictive_power"): predictive_power,
    ("planning", "obrien_fleming_type_alpha_spent"): alpha_spent,
}

LEFT_OUT = {
    r"^planning/.*/(hr|alpha_two_sided|power|allocation_treated)$": "input of a plan",
    r"^planning/planning/power_given_events/\d+/events$": "input of a plan",
    r"^planning/.*/(est|se|tau2|new_events|assumed_log_hr)$": "input of a plan",
    r"^planning/.*/information_fraction/": "input of a plan",
}
