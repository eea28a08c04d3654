#!/usr/bin/env python3
"""Writes the corpus of expressions and their instants, without any of Waterclock's code.

The zones are those of Python's zoneinfo, which reads the system's database; recurrences are those of python-dateutil. For
cron expressions this file has an evaluator of its own that shares no idea with ours: it knows no sets and no spans, but
looks at every minute of UTC in turn, asks the zone what the clock shows, and compares that with each field by its text.
"""

import calendar
import datetime as dt
import pathlib
import re
import zoneinfo

import dateutil
import dateutil.rrule

UTC = dt.timezone.utc
MINUTE = dt.timedelta(minutes=1)
HERE = pathlib.Path(__file__).parent
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()

# A zone for each way in which clocks are changed: at one, two, three or midnight, by an hour or half of one, in spring or
# in autumn of either half of the earth, backwards for summer (Dublin), around a month (Casablanca).
ZONES = [
    "America/New_York", "America/St_Johns", "America/Havana", "America/Santiago", "Europe/London", "Europe/Dublin",
    "Europe/Berlin", "Africa/Casablanca", "Africa/Cairo", "Asia/Jerusalem", "Australia/Lord_Howe", "Pacific/Auckland",
]


def value(text, field, dialect):
    if field == "month" and text.upper() in MONTHS:
        return MONTHS.index(text.upper()) + 1
    if field == "weekday":
        if text.upper() in DAYS:
            return DAYS.index(text.upper())
        return int(text) % 7 if dialect == "VIXIE" else int(text) - 1
    return int(text)


def in_range(number, part, field, low, high, dialect):
    """Whether a number is named by `*`, `a`, `a-b`, each with a step or without."""
    span, _, step = part.partition("/")
    if span == "*":
        return (number - low) % int(step or 1) == 0
    first, dash, last = span.partition("-")
    if dash and field == "weekday" and dialect == "VIXIE" and last == "7":
        named = [day % 7 for day in range(value(first, field, dialect), 8)]
        return number in named[:: int(step or 1)]
    first = value(first, field, dialect)
    last = value(last, field, dialect) if dash else (high if step else first)
    named, at = [], first
    while True:
        named.append(at)
        if at == last:
            break
        at = low if at == high else at + 1
    return number in named[:: int(step or 1)]


def plain(number, text, field, low, high, dialect):
    return any(in_range(number, part, field, low, high, dialect) for part in text.split(","))


def working_day_near(date, length):
    """The weekday nearest to a date, without leaving its month."""
    for away in (0, -1, 1, -2, 2):
        near = date.day + away
        if 1 <= near <= length and date.replace(day=near).weekday() < 5:
            return near


def month_day_matches(date, text):
    length = calendar.monthrange(date.year, date.month)[1]
    for part in text.upper().split(","):
        if part == "?":
            return True
        if match := re.fullmatch(r"L(?:-(\d+))?(W?)", part):
            day = length - int(match[1] or 0)
            if day >= 1 and date.day == (working_day_near(date.replace(day=day), length) if match[2] else day):
                return True
        elif part.endswith("W"):
            day = int(part[:-1])
            if day <= length and date.day == working_day_near(date.replace(day=day), length):
                return True
        elif in_range(date.day, part, "day", 1, 31, "VIXIE"):
            return True
    return False


def week_day_matches(date, text, dialect):
    today = date.isoweekday() % 7
    length = calendar.monthrange(date.year, date.month)[1]
    for part in text.upper().split(","):
        if part == "?":
            return True
        if part == "L":
            if today == 6:
                return True
        elif "#" in part:
            day, nth = part.split("#")
            if today == value(day, "weekday", dialect) and (date.day - 1) // 7 + 1 == int(nth):
                return True
        elif part.endswith("L"):
            if today == value(part[:-1], "weekday", dialect) and date.day > length - 7:
                return True
        elif in_range(today, part, "weekday", 0, 6, dialect):
            return True
    return False


def date_matches(date, day, month, weekday, dialect, both):
    if not plain(date.month, month, "month", 1, 12, dialect):
        return False
    by_month, by_week = month_day_matches(date, day), week_day_matches(date, weekday, dialect)
    if day[0] in "*?" or weekday[0] in "*?" or both == "AND":
        return by_month and by_week
    return by_month or by_week


def fields(expression):
    """Minute, hour, day, month, weekday, years. Seconds must be 0 here."""
    parts = expression.split()
    if len(parts) > 5:
        assert parts[0] == "0"
        parts = parts[1:]
    return parts + ["*"] * (6 - len(parts))


def wall_matches(wall, expression, dialect, both):
    minute, hour, day, month, weekday, years = fields(expression)
    return (
        plain(wall.minute, minute, "minute", 0, 59, dialect)
        and plain(wall.hour, hour, "hour", 0, 23, dialect)
        and date_matches(wall.date(), day, month, weekday, dialect, both)
        and (years == "*" or plain(wall.year, years, "year", 1970, 2099, dialect))
    )


def runs_every_hour(expression):
    hour = fields(expression)[1]
    return all(plain(number, hour, "hour", 0, 23, "VIXIE") for number in range(24))


def instants(expression, zone, since, until, gap="NEXT", repeat="FIRST", dialect="VIXIE", both="OR"):
    """Looks at every minute from `since` (not in it) until `until`."""
    tz = zoneinfo.ZoneInfo(zone)
    if runs_every_hour(expression):
        gap, repeat = "SKIP", "BOTH"
    found = []
    before = since.astimezone(tz).replace(tzinfo=None)
    now = since + MINUTE
    while now <= until:
        local = now.astimezone(tz)
        wall = local.replace(tzinfo=None)
        shown = [
            other
            for fold in (0, 1)
            if (other := wall.replace(tzinfo=tz, fold=fold)).astimezone(UTC).astimezone(tz).replace(tzinfo=None) == wall
        ]
        twice = len({other.utcoffset() for other in shown}) == 2
        named = wall_matches(wall, expression, dialect, both)
        if named and twice:
            named = repeat == "BOTH" or (repeat == "LAST") == (local.fold == 1)
        if not named and gap == "NEXT":
            left_out = before + MINUTE
            while left_out < wall and not named:
                named = wall_matches(left_out, expression, dialect, both)
                left_out += MINUTE
        if named:
            found.append(now)
        before = wall
        now += MINUTE
    return found


def stamp(instant):
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def line(kind, text, dialect, both, zone, gap, repeat, since, until, found):
    parts = [kind, text, dialect, both, zone, gap, repeat, stamp(since), stamp(until), " ".join(map(stamp, found))]
    return " | ".join(parts).rstrip()


def cron_case(expression, zone, since, until, gap="NEXT", repeat="FIRST", dialect="VIXIE", both="OR"):
    found = instants(expression, zone, since, until, gap, repeat, dialect, both)
    return line("CRON", expression, dialect, both, zone, gap, repeat, since, until, found)


def days_case(expression, since, until, dialect="VIXIE", both="OR"):
    """A case in UTC of an expression that fires at most a few times a day, over years: day by day, not minute by minute."""
    minute, hour, day, month, weekday, years = fields(expression)
    found = []
    date = since.date()
    while date <= until.date():
        in_year = years == "*" or plain(date.year, years, "year", 1970, 2099, dialect)
        if in_year and date_matches(date, day, month, weekday, dialect, both):
            for at in range(24 * 60):
                if plain(at // 60, hour, "hour", 0, 23, dialect) and plain(at % 60, minute, "minute", 0, 59, dialect):
                    instant = dt.datetime(date.year, date.month, date.day, at // 60, at % 60, tzinfo=UTC)
                    if since < instant <= until:
                        found.append(instant)
        date += dt.timedelta(days=1)
    return line("CRON", expression, dialect, both, "UTC", "NEXT", "FIRST", since, until, found)


def changes(zone, first, last):
    """The instants between two years at which the clock is changed, and by how much."""
    tz = zoneinfo.ZoneInfo(zone)
    day = dt.datetime(first, 1, 1, tzinfo=UTC)
    while day.year <= last:
        after = day + dt.timedelta(days=1)
        if day.astimezone(tz).utcoffset() != after.astimezone(tz).utcoffset():
            now = day
            while now < after:
                later = now + MINUTE
                change = later.astimezone(tz).utcoffset() - now.astimezone(tz).utcoffset()
                if change:
                    yield later, change
                now = later
        day = after


def daylight_saving():
    for zone in ZONES:
        tz = zoneinfo.ZoneInfo(zone)
        for at, change in changes(zone, 2024, 2030):
            yield f"# {zone}: {'gap' if change > dt.timedelta(0) else 'repeat'} of {abs(change)} at {stamp(at)}"
            # Fifteen minutes into what is left out, or shown again.
            before = (at - MINUTE).astimezone(tz).replace(tzinfo=None) + MINUTE
            inside = (before if change > dt.timedelta(0) else before + change) + dt.timedelta(minutes=15)
            daily = f"{inside.minute} {inside.hour} * * *"
            since, until = at - dt.timedelta(hours=26), at + dt.timedelta(hours=26)
            if change > dt.timedelta(0):
                yield cron_case(daily, zone, since, until, gap="NEXT")
                yield cron_case(daily, zone, since, until, gap="SKIP")
                yield cron_case(f"*/10 {inside.hour} * * *", zone, since, until)
            else:
                for repeat in ("FIRST", "LAST", "BOTH"):
                    yield cron_case(daily, zone, since, until, repeat=repeat)
                yield cron_case(f"*/10 {inside.hour} * * *", zone, since, until, repeat="LAST")
            near = dt.timedelta(hours=3)
            yield cron_case("*/30 * * * *", zone, at - near, at + near, gap="NEXT", repeat="FIRST")


def lost_days():
    year = dt.timedelta(days=4)
    for zone, when in [
        ("Pacific/Apia", dt.datetime(2011, 12, 30, 10, tzinfo=UTC)),
        ("Pacific/Kwajalein", dt.datetime(1993, 8, 21, 12, tzinfo=UTC)),
        ("Pacific/Kiritimati", dt.datetime(1994, 12, 31, 10, tzinfo=UTC)),
        ("Pacific/Enderbury", dt.datetime(1994, 12, 31, 11, tzinfo=UTC)),
    ]:
        yield f"# {zone} leaves a day out"
        for gap in ("NEXT", "SKIP"):
            for expression in ("0 9 * * *", "30 0,23 * * *", "0 0 30,31 12 *", "0 6 * * FRI", "0 */6 * * *"):
                yield cron_case(expression, zone, when - year, when + year, gap=gap)
        yield cron_case("0 * * * *", zone, when - dt.timedelta(hours=4), when + dt.timedelta(hours=4))


def days():
    decade = dt.datetime(2024, 1, 1, tzinfo=UTC), dt.datetime(2034, 1, 1, tzinfo=UTC)
    three = dt.datetime(2024, 1, 1, tzinfo=UTC), dt.datetime(2027, 1, 1, tzinfo=UTC)
    year = dt.datetime(2025, 1, 1, tzinfo=UTC), dt.datetime(2026, 1, 1, tzinfo=UTC)
    month = dt.datetime(2028, 2, 1, tzinfo=UTC), dt.datetime(2028, 3, 2, tzinfo=UTC)
    yield "# Leap days"
    for expression in ("0 0 29 2 *", "0 0 29 FEB *", "30 12 28-29 2 *", "0 0 L 2 *", "0 0 L-1 2 *", "0 0 29W 2 *"):
        yield days_case(expression, *decade)
    yield days_case("0 0 29 2 MON", dt.datetime(2000, 1, 1, tzinfo=UTC), dt.datetime(2150, 1, 1, tzinfo=UTC), both="AND")
    yield days_case("0 0 29 2 *", dt.datetime(2090, 1, 1, tzinfo=UTC), dt.datetime(2120, 1, 1, tzinfo=UTC))
    yield "# The end of the month"
    for expression in ("0 0 L * *", "0 0 L-3 * *", "0 0 L-30 * *", "0 0 LW * *", "0 0 L-2W * *", "0 0 L,15 * *", "0 0 31 * *"):
        yield days_case(expression, *three)
    yield "# The nearest working day"
    for day in (1, 2, 15, 28, 29, 30, 31):
        yield days_case(f"0 0 {day}W * *", *three)
    yield days_case("0 0 1W,15W * *", *three)
    yield "# The n-th and the last day of the week"
    for number, name in enumerate(DAYS):
        yield days_case(f"0 0 * * {number}#{number % 5 + 1}", *three)
        yield days_case(f"0 0 * * {name}#5", *three)
        yield days_case(f"0 0 * * {number}L", *three)
        yield days_case(f"0 0 ? * {number + 1}L", *three, dialect="QUARTZ")
        yield days_case(f"0 0 ? * {number + 1}#2", *three, dialect="QUARTZ")
    yield days_case("0 0 * * 7L", *three)
    yield days_case("0 0 * * 1#1,5L", *three)
    yield days_case("0 0 ? * L", *year, dialect="QUARTZ")
    yield "# Days of the week, in both dialects"
    for weekday in ("0", "7", "1-5", "5-7", "FRI-MON", "SAT,SUN", "6-1", "*/2", "1-5/2", "0-7", "MON"):
        yield days_case(f"0 0 * * {weekday}", *month)
    for weekday in ("1", "7", "2-6", "6-2", "FRI-MON", "MON-FRI", "1,7", "2-6/2"):
        yield days_case(f"0 0 0 ? * {weekday}", *month, dialect="QUARTZ")
    yield "# Both fields of days"
    for day, weekday in (("13", "FRI"), ("1-7", "MON"), ("L", "5L"), ("1,15", "0"), ("15W", "MON-FRI"), ("*/2", "MON"),
                         ("*", "2#2"), ("31", "*/3"), ("10-20", "6,0")):
        for both in ("OR", "AND"):
            yield days_case(f"0 0 {day} * {weekday}", *year, both=both)
    yield "# Months and years"
    for text in ("0 0 1 NOV-FEB *", "0 0 1 11-2 *", "0 0 1 */5 *", "0 0 1 2/3 *", "0 0 1 JAN,JUL *", "0 0 1 OCT-APR/2 *",
                 "0 0 28-3 * *", "0 0 25-5/4 * *", "0 0 */10 * *", "0 0 5/9 * *"):
        yield days_case(text, *year)
    for text in ("0 0 0 1 1 ? 2025", "0 0 0 1 1 ? 2025-2029/2", "0 0 0 1 6 * 2026,2031", "0 0 0 29 2 ? 2028", "0 0 0 L 2 ? */4"):
        yield days_case(text, *decade)
    yield "# Minutes and hours"
    day = dt.datetime(2025, 6, 1, tzinfo=UTC), dt.datetime(2025, 6, 2, tzinfo=UTC)
    for text in ("0 22-2 * * *", "0 20-4/3 * * *", "50-10/5 7 * * *", "*/17 0 * * *", "5/20 13 * * *", "0,30 9-11 * * *",
                 "7 */5 * * *", "59 23 * * *", "0 0/8 * * *", "3-57/18 6,18 * * *", "45-15/10 1 * * *"):
        yield days_case(text, *day)


RECURRENCES = [
    # Those of RFC 5545, section 3.8.5.3.
    "FREQ=DAILY;COUNT=10", "FREQ=DAILY;UNTIL=19971224T000000Z", "FREQ=DAILY;INTERVAL=2", "FREQ=DAILY;INTERVAL=10;COUNT=5",
    "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA", "FREQ=WEEKLY;COUNT=10",
    "FREQ=WEEKLY;UNTIL=19971224T000000Z", "FREQ=WEEKLY;INTERVAL=2;WKST=SU", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
    "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
    "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
    "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "FREQ=MONTHLY;BYMONTHDAY=-3",
    "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12",
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "FREQ=YEARLY;COUNT=10;BYMONTH=6,7", "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
    "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", "FREQ=YEARLY;BYDAY=20MO", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
    "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
    "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
    "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
    "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
    "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "FREQ=MINUTELY;INTERVAL=15;COUNT=6", "FREQ=MINUTELY;INTERVAL=90;COUNT=4",
    "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
    # And some within the day.
    "FREQ=SECONDLY;INTERVAL=45;BYHOUR=9;BYMINUTE=30,31", "FREQ=SECONDLY;INTERVAL=14;BYMINUTE=37;COUNT=30",
    "FREQ=SECONDLY;BYHOUR=5;BYMINUTE=38;BYSECOND=7,50", "FREQ=MINUTELY;INTERVAL=76;BYHOUR=20,21",
    "FREQ=MINUTELY;INTERVAL=37;BYMONTH=1,8;BYMONTHDAY=12;BYMINUTE=5,13,16", "FREQ=HOURLY;INTERVAL=50",
    "FREQ=HOURLY;INTERVAL=7;BYDAY=MO,FR;BYMINUTE=10,40", "FREQ=HOURLY;INTERVAL=6;BYMONTH=2;BYMONTHDAY=-1",
    "FREQ=MINUTELY;INTERVAL=14;BYHOUR=12,23;BYYEARDAY=-133,100",
]


def recurrences():
    zone = "America/New_York"
    tz = zoneinfo.ZoneInfo(zone)
    start = dt.datetime(1997, 9, 2, 9, 0)
    since, until = dt.datetime(1997, 9, 1, tzinfo=UTC), dt.datetime(2006, 1, 1, tzinfo=UTC)
    for rule in RECURRENCES:
        # dateutil wants the end without a zone when the beginning has none.
        local = re.sub(
            r"UNTIL=(\d{8}T\d{6})Z",
            lambda m: "UNTIL=" + dt.datetime.strptime(m[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).astimezone(tz).strftime("%Y%m%dT%H%M%S"),
            rule,
        )
        walls = dateutil.rrule.rrulestr(local, dtstart=start)
        found = []
        for wall in walls:
            instant = wall.replace(tzinfo=tz).astimezone(UTC)
            if instant > until or len(found) == 40:
                break
            found.append(instant)
        end = found[-1] if len(found) == 40 else until
        text = f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}\\nRRULE:{rule}"
        yield line("RRULE", text, "VIXIE", "OR", "UTC", "NEXT", "FIRST", since, end, found)


HEADER = """\
# Expressions and the instants that they name. {about}
#
# Written by generate.py, which stands beside this file, and by none of Waterclock's own code: {source}.
#
# kind | text | dialect | both days | zone | gap | repeat | after | until | every instant after the one and up to the other
"""


def write(name, about, source, cases):
    text = HEADER.format(about=about, source=source) + "\n".join(cases) + "\n"
    (HERE / name).write_text(text)
    print(name, sum(not row.startswith("#") for row in text.splitlines()))


def database():
    for folder in zoneinfo.TZPATH:
        path = pathlib.Path(folder) / "tzdata.zi"
        if path.exists():
            return "tzdata " + path.open().readline().removeprefix("# version").strip()
    return "tzdata of unknown edition"


def main():
    minutes = f"every minute was looked at in turn, with the zones of Python's zoneinfo ({database()})"
    write("daylight_saving.txt", "Every gap and every repeat of twelve zones from 2024 to 2030.", minutes, daylight_saving())
    write("lost_days.txt", "Zones that crossed the date line and left a day out.", minutes, lost_days())
    write("days.txt", "Which days and times fields mean.", "every day was looked at in turn, by the text of the fields", days())
    write("recurrences.txt", "The examples of RFC 5545, and some within the day.", f"the wall times are those of python-dateutil {dateutil.__version__}", recurrences())


if __name__ == "__main__":
    main()
