//! What expressions mean, against statements of their makers and against a second reader.

use std::iter;

use chrono::TimeDelta;
use croner::parser::{CronParser, Seconds, Year};
use proptest::prelude::*;

use super::*;

fn parse(expression: &str) -> Result<Cron, CronError> {
    Cron::parse(expression, Dialect::Vixie, BothDays::Or, Seed::of(b"a schedule"))
}

fn cron(expression: &str) -> Cron {
    parse(expression).expect(expression)
}

fn wall(text: &str) -> NaiveDateTime {
    text.parse().expect("a wall time")
}

fn from(cron: &Cron, begin: &str, count: usize) -> Vec<NaiveDateTime> {
    iter::successors(cron.first_from(wall(begin)), |&named| {
        cron.first_from(named + TimeDelta::seconds(1))
    })
    .take(count)
    .collect()
}

#[test]
fn fields_are_read_in_every_form() {
    for (expression, same) in [
        ("@midnight", "0 0 * * *"),
        ("@annually", "0 0 0 1 JAN ? *"),
        ("0 22-2 * * *", "0 22,23,0,1,2 * * *"),
        ("0 0 * NOV-FEB *", "0 0 * 11,12,1,2 *"),
        ("50-10/5 * * * *", "50,55,0,5,10 * * * *"),
        ("0 0 * * FRI-MON", "0 0 * * 5,6,0,1"),
        ("0 0 * * 5-7", "0 0 * * 0,5,6"),
        ("0 0 * * 7-2", "0 0 * * 0-2"),
        ("0 0 28-3 * *", "0 0 28,29,30,31,1,2,3 * *"),
        ("5/20 * * * *", "5,25,45 * * * *"),
        ("0 0 * * 5#L", "0 0 * * friL"),
        ("0 0 l * mon#1", "0 0 L * 1#1"),
    ] {
        assert_eq!(cron(expression), cron(same), "{expression}");
    }
    let quartz = |expression| {
        Cron::parse(expression, Dialect::Quartz, BothDays::Or, Seed::default()).expect("an expression")
    };
    assert_eq!(quartz("0 0 0 ? * 2-6"), cron("0 0 0 ? * MON-FRI"));
    assert_eq!(quartz("0 0 0 ? * L"), cron("0 0 0 ? * SAT"));
    assert_eq!(quartz("0 0 0 ? * 6L"), cron("0 0 0 ? * FRIL"));
    assert_eq!(quartz("0 0 0 ? * 1#2"), cron("0 0 0 ? * SUN#2"));
}

#[test]
fn what_is_wrong_is_told_with_its_field_and_the_remedy() {
    for (expression, told) in [
        ("61 * * * *", "minute field, \"61\": write 0 to 59"),
        ("0 24 * * *", "hour field, \"24\": write 0 to 23"),
        (
            "0 0 * * 8",
            "day of week field, \"8\": write 0 to 7 (0 and 7 are Sunday), SUN to SAT, 5L or 5#3",
        ),
        ("0 0 * FOO *", "month field, \"FOO\": write 1 to 12 or JAN to DEC"),
        (
            "*/0 * * * *",
            "minute field, \"*/0\": a step is 1 to 59 here; for longer steps use an interval",
        ),
        (
            "*/90 * * * *",
            "minute field, \"*/90\": a step is 1 to 59 here; for longer steps use an interval",
        ),
        (
            "1,,2 * * * *",
            "minute field, \"\": a value is missing; write 0 to 59, or * for all",
        ),
        (
            "? * * * *",
            "minute field, \"?\": ? stands alone, and only for the day of the month or the day of the week; write *",
        ),
        (
            "0 0 * * L",
            "day of week field, \"L\": L alone has no meaning here; write 5L for the last Friday of the month, or SAT",
        ),
        (
            "0 0 * * 5#6",
            "day of week field, \"5#6\": the number after # is 1 to 5, or L for the last; write 5#3 for the third Friday",
        ),
        (
            "0 0 L-31 * *",
            "day of month field, \"L-31\": the number after L- is 1 to 30; write L-3 for the third day before the last",
        ),
        (
            "0 0 0 1 1 ? 2030-2020",
            "year field, \"2030-2020\": years do not wrap; exchange the ends",
        ),
        (
            "* * * *",
            "the expression has 4 fields; write five (minute, hour, day of month, month, day of week), six (seconds first) or \
             seven (years last)",
        ),
        (
            "@reboot",
            "\"@reboot\" is not a name of an expression; write @hourly, @daily, @midnight, @weekly, @monthly, @yearly or \
             @annually, or the fields",
        ),
        (
            "0 0 30 2 *",
            "the expression can never fire: none of the months it names has such a day; change the day or the month (the \
             last day of a month is L)",
        ),
        (
            "0 0 0 29 2 ? 2025-2027",
            "the expression can never fire: none of the years it names has such a day; change the years, or leave them out",
        ),
    ] {
        assert_eq!(parse(expression).expect_err(expression).to_string(), told);
    }
    let both = Cron::parse("0 0 1-5 2 MON#2", Dialect::Vixie, BothDays::And, Seed::default());
    assert!(
        both.expect_err("the second Monday is the eighth at least")
            .to_string()
            .contains("both days: OR")
    );
}

#[test]
fn a_field_of_days_that_begins_with_a_star_does_not_choose_between_the_two() {
    // Vixie's manual: "if both fields are restricted (i.e., do not contain the "*" character)".
    let odd_mondays = cron("0 0 */2 * MON");
    let days: Vec<String> = from(&odd_mondays, "2025-01-01T00:00:00", 3)
        .iter()
        .map(|named| named.date().to_string())
        .collect();
    assert_eq!(days, ["2025-01-13", "2025-01-27", "2025-02-03"]);
}

#[test]
fn what_fires_rarely_is_found_and_what_has_ended_ends() {
    let leap_monday = Cron::parse("0 0 29 2 MON", Dialect::Vixie, BothDays::And, Seed::default());
    let leap_monday = leap_monday.expect("an expression");
    let days: Vec<String> = from(&leap_monday, "2025-01-01T00:00:00", 4)
        .iter()
        .map(|named| named.date().to_string())
        .collect();
    assert_eq!(days, ["2044-02-29", "2072-02-29", "2112-02-29", "2140-02-29"]);
    let bounded = cron("0 0 0 1 1 ? 2030/10");
    assert_eq!(from(&bounded, "2001-01-01T00:00:00", 99).len(), 7);
    assert_eq!(bounded.first_from(wall("2091-01-01T00:00:00")), None);
    assert_eq!(bounded.last_before(wall("2030-01-01T00:00:00")), None);
}

#[test]
fn a_hash_stays_where_it_is_and_spreads() {
    let seeded = |expression: &str, seed: u32| {
        Cron::parse(
            expression,
            Dialect::Vixie,
            BothDays::Or,
            Seed::of(&seed.to_le_bytes()),
        )
        .expect("an expression")
    };
    assert_eq!(seeded("H H * * *", 7), seeded("H H * * *", 7));
    let mut used = [0_u32; 60];
    for seed in 0..6_000 {
        let hashed = seeded("H H(0-5) H * *", seed);
        used[hashed.times.minutes.trailing_zeros() as usize] += 1;
        assert!(hashed.times.hours.trailing_zeros() <= 5 && hashed.times.hours.is_power_of_two());
        assert!(hashed.days.of_month.days.trailing_zeros() <= 28);
        assert_eq!(seeded("H/15 * * * *", seed).times.minutes.count_ones(), 4);
        assert_eq!(seeded("H(10-29)/10 * * * *", seed).times.minutes.count_ones(), 2);
    }
    assert!(used.iter().all(|&times| (50..=160).contains(&times)), "{used:?}");
}

#[test]
fn one_field_is_told_as_one() {
    for (expression, told) in [
        ("30", "has 1 field;"),
        ("", "has 0 fields;"),
        ("1 2", "has 2 fields;"),
    ] {
        let refused = parse(expression).expect_err("too few").to_string();
        assert!(refused.contains(told), "{refused}");
    }
}

#[test]
fn nothing_is_named_after_the_last_year() {
    let leap_fridays =
        Cron::parse("0 0 29 2 5", Dialect::Vixie, BothDays::And, Seed::default()).expect("it fires");
    let named = iter::successors(leap_fridays.first_from(wall("2027-01-01T00:00:00")), |&named| {
        leap_fridays.first_from(named + TimeDelta::seconds(1))
    });
    let last = named.last().expect("it fires");
    assert_eq!(last.year(), 9980);
    let far = wall("9999-12-31T23:59:59") + TimeDelta::days(365_000);
    assert_eq!(leap_fridays.first_from(far), None);
    assert_eq!(leap_fridays.last_before(far), Some(last));
}

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

/// Fields that both readers understand alike.
fn expressions() -> impl Strategy<Value = String> {
    let minute = one_of(&["0", "*", "*/7", "5-10", "59", "3,33", "10-50/20"]);
    let hour = one_of(&["0", "*", "*/5", "9-17", "23", "2,14"]);
    let day = one_of(&[
        "*", "1", "31", "29", "L", "15W", "1W", "30W", "LW", "10-20", "1,15",
    ]);
    let month = one_of(&["*", "2", "JAN-MAR", "4,6,9,11", "*/5"]);
    let weekday = one_of(&["*", "MON", "1-5", "5L", "5#3", "0,6", "SUN#1", "2#5"]);
    (minute, hour, day, month, weekday)
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

/// What the other reader says, over wall time.
fn second_opinion(
    expression: &str,
    both_days: BothDays,
    begin: NaiveDateTime,
    count: usize,
) -> Option<Vec<NaiveDateTime>> {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .dom_and_dow(both_days == BothDays::And)
        .build();
    let other = parser.parse(expression).ok()?;
    let named = other.iter_after((begin - TimeDelta::seconds(1)).and_utc());
    Some(named.take(count).map(|instant| instant.naive_utc()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_reader_agrees(
        expression in expressions(),
        both_days in prop::sample::select(&[BothDays::Or, BothDays::And][..]),
        day in 0..20_000_i64,
    ) {
        let begin = wall("2000-01-01T00:00:00") + TimeDelta::days(day);
        let ours = Cron::parse(&expression, Dialect::Vixie, both_days, Seed::default());
        if let Ok(ours) = ours {
            let ours = from(&ours, &begin.format("%FT%T").to_string(), 5);
            prop_assert_eq!(Some(ours), second_opinion(&expression, both_days, begin, 5), "{}", expression);
        }
    }

    #[test]
    fn looking_back_undoes_looking_forward(expression in expressions(), seconds in 0..2_000_000_000_i64) {
        let begin = wall("1990-01-01T00:00:00") + TimeDelta::seconds(seconds);
        if let Ok(cron) = parse(&expression) {
            let first = cron.first_from(begin).expect("it fires again");
            let second = cron.first_from(first + TimeDelta::seconds(1)).expect("it fires again");
            prop_assert!(begin <= first && first < second);
            prop_assert_eq!(cron.last_before(second), Some(first));
            prop_assert!(cron.last_before(first).is_none_or(|before| before < begin));
        }
    }

    #[test]
    fn no_text_makes_the_reader_fall(text in "[ -~é]{0,40}") {
        let _ = parse(&text);
    }
}
