//! Stays with a program that runs, and brings its end about when its time is over.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::containment::{End, Process, Running};
use crate::log::AttemptLog;

use super::bounds::Bounds;
use super::printed::{self, LastLines};
use super::{Finding, Stop, Stops};

/// Why a program's end came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// It ended by itself.
    Itself,
    /// Its time was over.
    TimedOut,
    /// It was told to stop.
    Stopped(Stop),
}

/// Stays with a program until nothing of it is left and all it printed is on its way to the log.
pub(super) async fn attend(running: Running, bounds: Bounds, mut stops: Stops, log: &AttemptLog) -> Finding {
    let Running {
        mut process,
        stdout,
        stderr,
        ..
    } = running;
    let supervised = supervise(&mut process, bounds, stops.clone(), log);
    let followed = printed::follow(stdout, stderr, log);
    let both = async { tokio::join!(supervised, followed) };
    let ended = tokio::select! {
        ended = both => Some(ended),
        // Nobody will read its log: not a line more is waited for.
        () = stops.lost() => None,
    };
    if let Some((cause, last)) = ended {
        return finding(cause, process.end(), &last, bounds);
    }
    process.kill();
    process.gone().await;
    Finding::stopped(Stop::Lost)
}

/// Waits for the program's end, brings it about when its time is over, and returns when its whole tree is gone.
async fn supervise(process: &mut Process, bounds: Bounds, mut stops: Stops, log: &AttemptLog) -> Cause {
    let cause = tokio::select! {
        biased;
        stop = stops.asked() => Cause::Stopped(stop),
        () = bounds.passed() => Cause::TimedOut,
        () = process.ended() => Cause::Itself,
    };
    match cause {
        Cause::Itself => {}
        Cause::Stopped(stop) if stop.is_immediate() => {
            process.kill();
            log.remark(format!("sent KILL: {}", stop.reason())).await;
        }
        Cause::Stopped(stop) => end_tree(process, stop.reason(), bounds.grace, &mut stops, log).await,
        Cause::TimedOut => end_tree(process, "its timeout passed", bounds.grace, &mut stops, log).await,
    }
    tokio::select! {
        () = process.gone() => return cause,
        _ = stops.asked_at_once() => {}
    }
    process.kill();
    process.gone().await;
    cause
}

/// TERM, grace, KILL.
async fn end_tree(process: &mut Process, reason: &str, grace: Duration, stops: &mut Stops, log: &AttemptLog) {
    process.terminate();
    let remark = log.remark(format!("sent TERM: {reason}"));
    let ended = async { tokio::join!(process.gone(), remark) };
    let reason = tokio::select! {
        _ = ended => return,
        () = sleep(grace) => format!("not everything had ended within its grace of {grace:?}"),
        stop = stops.asked_at_once() => stop.reason().to_owned(),
    };
    process.kill();
    log.remark(format!("sent KILL: {reason}")).await;
}

fn finding(cause: Cause, end: Option<End>, last: &LastLines, bounds: Bounds) -> Finding {
    let found = match cause {
        Cause::Stopped(stop) => Finding::stopped(stop),
        Cause::TimedOut => bounds.timed_out(),
        Cause::Itself => match end {
            Some(End::Exited(0)) => Finding::succeeded(),
            Some(End::Exited(code)) => Finding::failed(with_last_lines(&format!("exit code {code}"), last)),
            Some(End::Signalled(number)) => {
                let name = Signal::try_from(number).map_or("an unnamed signal", Signal::as_str);
                Finding::failed(with_last_lines(
                    &format!("ended by {name} (signal {number})"),
                    last,
                ))
            }
            None => Finding::fault("the process that held the program was killed, and the program with it"),
        },
    };
    Finding {
        exit_code: end.map(|end| match end {
            End::Exited(code) => code,
            End::Signalled(number) => 128 + number,
        }),
        ..found
    }
}

fn with_last_lines(message: &str, last: &LastLines) -> String {
    match last.text() {
        Some(lines) => format!("{message}; its last lines:\n{lines}"),
        None => format!("{message}; it printed nothing"),
    }
}
