//! The tables, as the migrations make them; a test prints this file from the migrated database and compares.

diesel::table! {
    /// What a rule has taken note of: each cause once, whether or not it was reason enough to speak.
    alert_causes (tenant_id, rule_id, cause) {
        /// The owner.
        tenant_id -> Uuid,
        /// The rule.
        rule_id -> Uuid,
        /// Names what happened: an event, a task run that waits, a run that takes long.
        cause -> Text,
        /// What it is alike with.
        group_key -> Text,
        /// The alert that stands for it; absent while it was not reason enough.
        alert_id -> Nullable<Uuid>,
        /// When it happened.
        at -> Timestamptz,
    }
}

diesel::table! {
    /// Where alerts are delivered to: webhooks and mail addresses.
    alert_channels (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the channel for good.
        id -> Uuid,
        /// The channel's name among people, unique within the tenant.
        key -> Text,
        /// Rises with every edit; an edit names the revision that it was made from.
        revision -> Integer,
        /// What it is for.
        description -> Text,
        /// A ChannelSpec, without the secret.
        spec -> Jsonb,
        /// What deliveries to a webhook are signed with. The API may write it and may not read it.
        secret -> Nullable<Text>,
        /// Why nothing is sent to it any more, until it is edited.
        disabled_reason -> Nullable<Text>,
        /// When it was registered.
        created_at -> Timestamptz,
        /// When it was last edited.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Alerts on their way, and those that have arrived or never did.
    alert_deliveries (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the delivery; every try of it bears this name, so that a receiver can tell.
        id -> Uuid,
        /// The alert; absent when somebody only tries the channel.
        alert_id -> Nullable<Uuid>,
        /// Where it goes.
        channel_id -> Uuid,
        /// What is delivered, the same with every try.
        body -> Jsonb,
        /// A DeliveryState.
        state -> Text,
        /// The number of the latest claim; whoever records what became of a try presents it.
        fence -> Integer,
        /// How often it was tried since it was last sent off.
        tries -> Integer,
        /// What became of its latest tries, in order: an array of Try.
        log -> Jsonb,
        /// When it is tried next. Whoever claims it moves this to where the claim ends.
        next_at -> Timestamptz,
        /// When it was made.
        created_at -> Timestamptz,
        /// When it arrived or was given up.
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// How far rules have looked. One row.
    alert_progress (single) {
        /// Always true.
        single -> Bool,
        /// The number of the event up to which rules have read the log.
        read_until -> BigInt,
        /// The instant up to which what takes long has been looked for.
        checked_at -> Timestamptz,
    }
}

diesel::table! {
    /// What somebody wants to be told of, and through which channels.
    alert_rules (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the rule for good.
        id -> Uuid,
        /// The rule's name among people, unique within the tenant.
        key -> Text,
        /// Rises with every edit; an edit names the revision that it was made from.
        revision -> Integer,
        /// What it is for.
        description -> Text,
        /// An AlertRuleSpec: scope, condition, severity, channels, whether it is enabled, and how long alerts fold.
        spec -> Jsonb,
        /// When it was registered; it speaks of nothing from before.
        created_at -> Timestamptz,
        /// When it was last edited.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// What rules had to say. A rule may be gone; what it said stays.
    alerts (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the alert; sorts by when it was raised.
        id -> Uuid,
        /// The rule.
        rule_id -> Uuid,
        /// The rule's key then.
        rule_key -> Text,
        /// An AlertKind: of what the rule spoke.
        kind -> Text,
        /// How bad the rule says it is.
        severity -> Text,
        /// What causes are alike: those of one workflow, of one executor.
        group_key -> Text,
        /// The workflow it is about.
        workflow_id -> Nullable<Uuid>,
        /// The run that caused it first.
        run_id -> Nullable<Uuid>,
        /// The task run that caused it first.
        task_run_id -> Nullable<Uuid>,
        /// The executor it is about.
        executor_id -> Nullable<Uuid>,
        /// What happened, where and on what, in a sentence.
        message -> Text,
        /// How many causes it stands for.
        count -> Integer,
        /// The number of the event up to which the log had been read when it was raised.
        cause_seq -> BigInt,
        /// The silence that kept it from being delivered.
        silence_id -> Nullable<Uuid>,
        /// When its first cause happened.
        raised_at -> Timestamptz,
        /// When its last cause happened.
        last_at -> Timestamptz,
        /// When what it is about was well again.
        resolved_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// The numbered tries that have ended. One that is under way is a dispatch row; a row here never changes.
    attempts (tenant_id, task_run_id, number) {
        /// The owner.
        tenant_id -> Uuid,
        /// The task run.
        task_run_id -> Uuid,
        /// The try, from 1; it was the fence of its lease.
        number -> Integer,
        /// Who had it.
        executor_id -> Uuid,
        /// An Outcome.
        outcome -> Text,
        /// The program's exit code.
        exit_code -> Nullable<Integer>,
        /// The status of the endpoint's answer.
        http_status -> Nullable<Integer>,
        /// Why, in a sentence.
        message -> Nullable<Text>,
        /// What it gave.
        output -> Nullable<Jsonb>,
        /// When its executor was chosen.
        assigned_at -> Timestamptz,
        /// When its executor started it, if it did.
        started_at -> Nullable<Timestamptz>,
        /// When its end was recorded.
        finished_at -> Timestamptz,
    }
}

diesel::table! {
    /// The events that task runs wait for. A row goes with its wait.
    awaited_events (tenant_id, task_run_id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Who waits.
        task_run_id -> Uuid,
        /// Its run.
        run_id -> Uuid,
        /// The name that the event must have.
        name -> Text,
        /// The key that it must have; any will do when absent.
        key -> Nullable<Text>,
    }
}

diesel::table! {
    /// The occurrences of each backfill, in the order in which they run.
    backfill_steps (tenant_id, backfill_id, place) {
        /// The owner.
        tenant_id -> Uuid,
        /// The backfill.
        backfill_id -> Uuid,
        /// Its place in the order.
        place -> Integer,
        /// The instant that the rule names.
        nominal -> Timestamptz,
        /// When the occurrence was due, after calendars and jitter.
        due -> Timestamptz,
        /// What was done to it on the way: Notes.
        notes -> Array<Text>,
        /// A StepState.
        state -> Text,
        /// Why, in a sentence.
        reason -> Nullable<Text>,
        /// Its run.
        run_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    /// What somebody has run of a schedule's past, one occurrence after the other.
    backfills (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the backfill; sorts by creation.
        id -> Uuid,
        /// The schedule, which may be deleted since.
        schedule_id -> Uuid,
        /// The tenant's partition.
        partition -> SmallInt,
        /// The newest occurrence runs first; else the oldest does.
        newest_first -> Bool,
        /// A Reprocess: which occurrences that ran already run again.
        reprocess -> Text,
        /// How many of its runs may be under way together.
        most_running -> Integer,
        /// What every run is given over what the schedule gives.
        inputs -> Jsonb,
        /// Why, in the words of whoever asked for it.
        reason -> Nullable<Text>,
        /// A BackfillState.
        state -> Text,
        /// Why it ended so, or what it waits for, in a sentence.
        state_reason -> Nullable<Text>,
        /// How many of its steps are to start.
        pending -> Integer,
        /// How many of its steps have a run under way.
        running -> Integer,
        /// How many of its steps have a run that succeeded.
        succeeded -> Integer,
        /// How many of its steps have a run that failed.
        failed -> Integer,
        /// How many of its steps were called off, or have a run that was.
        cancelled -> Integer,
        /// How many of its steps could not start.
        rejected -> Integer,
        /// How many of its steps are not to start.
        passed_over -> Integer,
        /// Nothing of it starts before: the tenant had no room for another run.
        not_before -> Timestamptz,
        /// The subject of the token that asked for it.
        created_by -> Text,
        /// The subject of the token that cancelled it.
        cancelled_by -> Nullable<Text>,
        /// When it was made.
        created_at -> Timestamptz,
        /// When its first step started.
        started_at -> Nullable<Timestamptz>,
        /// When it ended.
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// What is done to many runs, one after the other.
    bulk_jobs (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the job; sorts by creation.
        id -> Uuid,
        /// A BulkAction: what is done to each run.
        action -> Jsonb,
        /// A RunFilter: which runs are meant, of those that were there when the job was made.
        filter -> Jsonb,
        /// A BulkJobState.
        state -> Text,
        /// Why it failed, in a sentence.
        state_reason -> Nullable<Text>,
        /// How many runs matched when it was made, as far as was counted.
        matched -> Integer,
        /// Not all runs were counted.
        matches_more -> Bool,
        /// To how many runs it was done.
        succeeded -> Integer,
        /// How many runs refused it.
        refused -> Integer,
        /// The last run that was looked at; runs are looked at in the order of their ids.
        looked_until -> Uuid,
        /// When it last had its turn; jobs take turns.
        turn_at -> Timestamptz,
        /// The subject of the token that asked for it; it is done on their behalf.
        created_by -> Text,
        /// The subject of the token that cancelled it.
        cancelled_by -> Nullable<Text>,
        /// When it was made.
        created_at -> Timestamptz,
        /// When it had its first turn.
        started_at -> Nullable<Timestamptz>,
        /// When it ended.
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// The runs that refused what a bulk job was to do to them, the first of each job.
    bulk_refusals (tenant_id, job_id, run_id) {
        /// The owner.
        tenant_id -> Uuid,
        /// The job.
        job_id -> Uuid,
        /// The run.
        run_id -> Uuid,
        /// What was wrong, for programs.
        code -> Text,
        /// What was wrong, in a sentence.
        message -> Text,
    }
}

diesel::table! {
    /// Which days and hours work.
    calendars (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the calendar for good.
        id -> Uuid,
        /// The calendar's name among people, unique within the tenant.
        key -> Text,
        /// Rises with every edit; an edit names the revision that it was made from.
        revision -> Integer,
        /// What it is for.
        description -> Text,
        /// A CalendarDefinition.
        spec -> Jsonb,
        /// When it was registered.
        created_at -> Timestamptz,
        /// When it was last edited.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// The addresses by which endpoints finish attempts later. A row goes with its attempt.
    callbacks (tenant_id, token_hash) {
        /// The owner.
        tenant_id -> Uuid,
        /// The SHA-256 of the address's secret part, which is stored nowhere.
        token_hash -> Bytea,
        /// The run.
        run_id -> Uuid,
        /// The task run.
        task_run_id -> Uuid,
        /// The attempt.
        fence -> Integer,
        /// When the address was called; it works once.
        answered_at -> Nullable<Timestamptz>,
        /// Whether the work was done.
        succeeded -> Nullable<Bool>,
        /// Why not, in the endpoint's words.
        message -> Nullable<Text>,
        /// What it gave.
        output -> Nullable<Jsonb>,
    }
}

diesel::table! {
    /// The live task runs in brief: all that a scheduler looks at. A row leaves when its task run ends, so the table is as small as the work at hand.
    dispatch (tenant_id, task_run_id) {
        /// The owner.
        tenant_id -> Uuid,
        /// The task run.
        task_run_id -> Uuid,
        /// The tenant's partition.
        partition -> SmallInt,
        /// The run.
        run_id -> Uuid,
        /// The workflow version.
        version_id -> Uuid,
        /// The place of the node in the version's definition.
        node -> Integer,
        /// A TaskRunState: READY, ASSIGNED, RUNNING or RETRY_WAIT.
        state -> Text,
        /// 0 (last) to 9 (first).
        priority -> SmallInt,
        /// How many slots it takes while it runs.
        cost -> SmallInt,
        /// What an executor must offer, sorted.
        labels -> Array<Text>,
        /// Since when it could run; in RETRY_WAIT, when it will.
        ready_at -> Timestamptz,
        /// The number of the latest attempt; 0 before the first.
        fence -> Integer,
        /// How many attempts failed.
        failures -> Integer,
        /// How many attempts ended in a fault.
        faults -> Integer,
        /// Its executor is to stop it.
        stop_requested -> Bool,
        /// Its executor is to leave it no grace.
        stop_at_once -> Bool,
        /// Its run is paused, so it does not start.
        paused -> Bool,
        /// Why it is in the service's own hands and runs on no executor: it waits for its ITEMS, for its RUN, for an APPROVAL, for what it WAITs for, or for the CALLBACK of an endpoint that its executor has called.
        hold -> Nullable<Text>,
        /// The place of its share, when it is one of an item, shard or executor.
        item -> Nullable<Integer>,
        /// The key of the executor that its share was dealt to.
        pinned_to -> Nullable<Text>,
        /// When its first attempt started.
        begun_at -> Nullable<Timestamptz>,
        /// The owner of the attempt under way.
        executor_id -> Nullable<Uuid>,
        /// When that executor was chosen.
        assigned_at -> Nullable<Timestamptz>,
        /// When that executor started it.
        started_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Registered HTTP addresses, each with its method and call rules.
    endpoints (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the endpoint for good.
        id -> Uuid,
        /// The endpoint's name among people, unique within the tenant.
        key -> Text,
        /// Rises with every edit; an edit names the revision that it was made from.
        revision -> Integer,
        /// What it is for.
        description -> Text,
        /// An EndpointSpec: method, URL, headers, query, body, expected statuses, timeout.
        spec -> Jsonb,
        /// When it was registered.
        created_at -> Timestamptz,
        /// When it was last edited.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// What happened, in order; append-only. A reader goes no further than the numbers that every writer has settled.
    events (tenant_id, seq) {
        /// The owner; the platform's id for shared executors.
        tenant_id -> Uuid,
        /// The order. An event that another caused has the higher number.
        seq -> BigInt,
        /// The run it is about.
        run_id -> Nullable<Uuid>,
        /// The task run it is about.
        task_run_id -> Nullable<Uuid>,
        /// The schedule it is about.
        schedule_id -> Nullable<Uuid>,
        /// What happened, in the past tense.
        kind -> Text,
        /// What only this kind has.
        data -> Nullable<Jsonb>,
        /// When.
        at -> Timestamptz,
    }
}

diesel::table! {
    /// Lives of executor processes. One row is one life; a restart begins another.
    executors (tenant_id, id) {
        /// The only tenant it works for; the platform's id for a shared one.
        tenant_id -> Uuid,
        /// Names this life.
        id -> Uuid,
        /// The executor's name among people.
        key -> Text,
        /// Its machine.
        hostname -> Text,
        /// How it holds process trees.
        containment -> Text,
        /// What it offers.
        labels -> Array<Text>,
        /// The cost it carries at once.
        slots -> Integer,
        /// Attempts under way, by its last heartbeat.
        running -> Integer,
        /// The share of its machine's processors in use, by its last heartbeat.
        cpu -> Float,
        /// The share of its machine's memory in use, by its last heartbeat.
        memory -> Float,
        /// It passed a load threshold and takes nothing until it falls well below.
        overloaded -> Bool,
        /// It takes nothing more and will stop.
        draining -> Bool,
        /// Somebody asked it to drain; it hears so with its next heartbeat.
        drain_requested -> Bool,
        /// When this life began.
        registered_at -> Timestamptz,
        /// When it last spoke.
        heartbeat_at -> Timestamptz,
        /// Until when its work is its own; after that others may have it.
        lease_until -> Timestamptz,
        /// When this life ended.
        ended_at -> Nullable<Timestamptz>,
        /// How: it left, or its lease ended.
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    /// What became of everything that a trigger waits for.
    firings (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the firing; sorts by when it was caused.
        id -> Uuid,
        /// The trigger, which may be deleted since.
        trigger_id -> Uuid,
        /// The tenant's partition.
        partition -> SmallInt,
        /// What caused it. With the trigger, it is the firing.
        cause -> Text,
        /// What the trigger's expressions read of it: FiringFacts.
        facts -> Jsonb,
        /// A FiringOutcome.
        outcome -> Text,
        /// Why, in a sentence.
        reason -> Nullable<Text>,
        /// The run that it started.
        run_id -> Nullable<Uuid>,
        /// When its cause happened.
        caused_at -> Timestamptz,
        /// When its outcome was decided.
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// What creating mutations made, so that the same call made again answers the same.
    idempotency_keys (tenant_id, mutation, key) {
        /// The owner.
        tenant_id -> Uuid,
        /// The mutation.
        mutation -> Text,
        /// What the caller named the call.
        key -> Text,
        /// The SHA-256 of the input; another input under the same key is refused.
        request -> Bytea,
        /// What was made.
        object_id -> Uuid,
        /// When; a key is forgotten after seven days.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// What attempts printed, line by line.
    log_lines (tenant_id, task_run_id, attempt, number) {
        /// The owner.
        tenant_id -> Uuid,
        /// The task run.
        task_run_id -> Uuid,
        /// The attempt's number.
        attempt -> Integer,
        /// The line within the attempt, from 1.
        number -> Integer,
        /// Where it came from.
        stream -> Text,
        /// The line.
        text -> Text,
        /// When the executor read it.
        at -> Timestamptz,
    }
}

diesel::table! {
    /// What became of every instant that a schedule named.
    occurrences (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the occurrence; sorts by when it was first recorded.
        id -> Uuid,
        /// The schedule.
        schedule_id -> Uuid,
        /// The instant that the rule names. With the schedule, it is the occurrence.
        nominal -> Timestamptz,
        /// When it was to start, after calendars and jitter.
        due -> Timestamptz,
        /// An OccurrenceOutcome.
        outcome -> Text,
        /// Why, in a sentence.
        reason -> Nullable<Text>,
        /// What had become of it before a backfill first ran it: the outcome and the reason.
        before_backfill -> Nullable<Text>,
        /// What was done to it on the way: Notes.
        notes -> Array<Text>,
        /// Its run; the last one when it was run again.
        run_id -> Nullable<Uuid>,
        /// Somebody asked for it; the rule did not name it.
        manual -> Bool,
        /// What whoever asked for it gives its run, beside what the schedule does.
        inputs -> Nullable<Jsonb>,
        /// How many occurrences the row stands for, all with the same outcome, when there were too many for a row each.
        stands_for -> BigInt,
        /// The instant of the oldest of them.
        oldest -> Nullable<Timestamptz>,
        /// While it waits: among which runs it waits for its turn, as watched_runs can be asked for.
        waits_in -> Nullable<Text>,
        /// When its outcome was decided.
        decided_at -> Timestamptz,
    }
}

diesel::table! {
    /// The bytes of a package in pieces of at most 1 MiB, so that nobody need hold it whole.
    package_chunks (tenant_id, digest, place) {
        /// The owner.
        tenant_id -> Uuid,
        /// The package.
        digest -> Bytea,
        /// The place of the piece, from 0.
        place -> Integer,
        /// The bytes.
        content -> Bytea,
    }
}

diesel::table! {
    /// Uploaded code, named by the SHA-256 of its bytes.
    packages (tenant_id, digest) {
        /// The owner.
        tenant_id -> Uuid,
        /// The SHA-256 of the bytes.
        digest -> Bytea,
        /// The name that it is stored under on an executor's machine.
        file_name -> Text,
        /// How many bytes it has.
        size -> BigInt,
        /// When it was uploaded.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Registered code: a package or command, its entry point and arguments.
    programs (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the program for good.
        id -> Uuid,
        /// The program's name among people, unique within the tenant.
        key -> Text,
        /// Rises with every edit; an edit names the revision that it was made from.
        revision -> Integer,
        /// What it is for.
        description -> Text,
        /// A ProgramSpec: runtime, command, package, entry point, arguments, environment, files, limits.
        spec -> Jsonb,
        /// When it was registered.
        created_at -> Timestamptz,
        /// When it was last edited.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// How far task runs say that they are; the latest word of each.
    progress (tenant_id, task_run_id) {
        /// The owner.
        tenant_id -> Uuid,
        /// The task run.
        task_run_id -> Uuid,
        /// The attempt that says so.
        attempt -> Integer,
        /// How much of its work is done.
        percent -> Nullable<Double>,
        /// What it is at.
        message -> Nullable<Text>,
        /// When it said so.
        at -> Timestamptz,
    }
}

diesel::table! {
    /// What tenants told the service has happened.
    published_events (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the event; sorts by publication.
        id -> Uuid,
        /// What happened, in the tenant's word.
        name -> Text,
        /// What it is about.
        key -> Nullable<Text>,
        /// What else there is to say.
        payload -> Jsonb,
        /// The subject of the token that published it.
        published_by -> Text,
        /// When.
        at -> Timestamptz,
        /// How many task runs waited for it.
        woken -> BigInt,
        /// How many triggers did.
        fired -> BigInt,
    }
}

diesel::table! {
    /// Executions of workflow versions.
    runs (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the run; sorts by creation.
        id -> Uuid,
        /// The workflow.
        workflow_id -> Uuid,
        /// The version that it is pinned to.
        version_id -> Uuid,
        /// A RunState.
        state -> Text,
        /// Why it is not plainly successful, in a sentence.
        state_reason -> Nullable<Text>,
        /// 0 (last) to 9 (first).
        priority -> SmallInt,
        /// What caused it.
        trigger -> Text,
        /// The subject of the token that started it.
        started_by -> Text,
        /// What it was given: an object.
        inputs -> Jsonb,
        /// How many task runs it has.
        task_runs -> Integer,
        /// How many of them have not ended.
        open_task_runs -> Integer,
        /// How many of them failed.
        failed_task_runs -> Integer,
        /// When it was told to stop; nothing of it starts from then on.
        stop_requested_at -> Nullable<Timestamptz>,
        /// The subject of the token that told it so; nobody when its own rules did.
        stop_requested_by -> Nullable<Text>,
        /// The state that it ends in because it was told to stop.
        stop_as -> Nullable<Text>,
        /// Since when it starts nothing.
        paused_at -> Nullable<Timestamptz>,
        /// The subject of the token that paused it.
        paused_by -> Nullable<Text>,
        /// What it returned: an object.
        output -> Nullable<Jsonb>,
        /// The run that it runs within.
        parent_run_id -> Nullable<Uuid>,
        /// The task run of that run that it is.
        parent_task_run_id -> Nullable<Uuid>,
        /// How many runs it runs within.
        depth -> SmallInt,
        /// The run that it was made from.
        rerun_of -> Nullable<Uuid>,
        /// The schedule that started it.
        schedule_id -> Nullable<Uuid>,
        /// The occurrence that it is for, as expressions read it.
        occurrence -> Nullable<Jsonb>,
        /// When it was accepted.
        created_at -> Timestamptz,
        /// When its first attempt started.
        started_at -> Nullable<Timestamptz>,
        /// When its last task run ended.
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// How far each schedule has come, and when a scheduler is to look at it next.
    schedule_states (tenant_id, schedule_id) {
        /// The owner.
        tenant_id -> Uuid,
        /// The schedule.
        schedule_id -> Uuid,
        /// The tenant's partition.
        partition -> SmallInt,
        /// A ScheduleState.
        state -> Text,
        /// Why it is in that state, in a sentence.
        state_reason -> Nullable<Text>,
        /// Since when it is in that state.
        changed_at -> Timestamptz,
        /// The subject of the token that brought it there; nobody when its own rules did.
        changed_by -> Nullable<Text>,
        /// Rises with every edit of the schedule, and of a calendar that it keeps to.
        plan_revision -> Integer,
        /// Every occurrence that was due until then is a row; none after it is.
        settled_until -> Timestamptz,
        /// With a fixed delay: the end of a run from which the next occurrence is counted.
        follows -> Nullable<Timestamptz>,
        /// When it is to be looked at; nothing is to be done before.
        next_due -> Nullable<Timestamptz>,
        /// How many of its occurrences wait to start.
        waiting -> Integer,
        /// How many of its runs in a row ended without success.
        failures -> Integer,
        /// Its occurrences follow the ends of runs.
        follows_runs -> Bool,
        /// After so many runs in a row that ended without success it pauses.
        most_failures -> Nullable<Integer>,
    }
}

diesel::table! {
    /// Live schedulers, from which each works out the partitions that it prefers.
    schedulers (id) {
        /// Names this life of the scheduler.
        id -> Uuid,
        /// Its machine.
        hostname -> Text,
        /// When this life began.
        started_at -> Timestamptz,
        /// Until when it counts as alive.
        lease_until -> Timestamptz,
    }
}

diesel::table! {
    /// When workflows are to run, as people wrote it.
    schedules (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the schedule for good.
        id -> Uuid,
        /// The schedule's name among people, unique within the tenant.
        key -> Text,
        /// Rises with every edit; an edit names the revision that it was made from.
        revision -> Integer,
        /// What it is for.
        description -> Text,
        /// The workflow that it starts.
        workflow_id -> Uuid,
        /// The keys of the calendars that it keeps to.
        calendars -> Array<Text>,
        /// A ScheduleSpec without its workflow: timing, policies, inputs.
        spec -> Jsonb,
        /// When it was registered.
        created_at -> Timestamptz,
        /// When it was last edited.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Spans of time in which alerts are recorded and not delivered.
    silences (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the silence; sorts by creation.
        id -> Uuid,
        /// The rule whose alerts it covers; those of all rules when absent.
        rule_id -> Nullable<Uuid>,
        /// The workflow about which alerts are covered; those about anything when absent.
        workflow_id -> Nullable<Uuid>,
        /// Why, in the words of whoever made it.
        reason -> Text,
        /// The subject of the token that made it.
        created_by -> Text,
        /// From when on it covers.
        starts_at -> Timestamptz,
        /// From when on it covers no more.
        ends_at -> Timestamptz,
        /// The subject of the token that ended it before its time.
        ended_by -> Nullable<Text>,
        /// When it was made.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Programs and endpoints configured for use: the vertices that workflows are made of.
    task_nodes (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the task node for good.
        id -> Uuid,
        /// The task node's name among people, unique within the tenant.
        key -> Text,
        /// Rises with every edit; an edit names the revision that it was made from.
        revision -> Integer,
        /// What it is for.
        description -> Text,
        /// The program that it runs; without one and without an endpoint it is a no-op.
        program_id -> Nullable<Uuid>,
        /// The endpoint that it calls.
        endpoint_id -> Nullable<Uuid>,
        /// What the node adds: arguments, environment, labels, priority, cost, timeout, grace, retry.
        spec -> Jsonb,
        /// When it was created.
        created_at -> Timestamptz,
        /// When it was last edited.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// One task node's share of a run.
    task_runs (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the task run.
        id -> Uuid,
        /// The run.
        run_id -> Uuid,
        /// The place of its node in the version's definition.
        node -> Integer,
        /// The key of its node.
        key -> Text,
        /// A TaskRunState, or LIVE: then its dispatch row tells which.
        state -> Text,
        /// Why it is not plainly successful, in a sentence.
        state_reason -> Nullable<Text>,
        /// How many of the nodes before it have not ended.
        pending_parents -> Integer,
        /// How many of them failed, and may not.
        failed_parents -> Integer,
        /// How many of them never started because of a failure before them.
        doomed_parents -> Integer,
        /// How many of them were skipped.
        skipped_parents -> Integer,
        /// The task run of the node, when this is the share of one item, shard or executor.
        parent_id -> Nullable<Uuid>,
        /// The place of that share, from 0.
        item -> Nullable<Integer>,
        /// What that share is: the item, or the shard.
        item_value -> Nullable<Jsonb>,
        /// How many of its shares have not ended.
        open_items -> Integer,
        /// How many of its shares failed.
        failed_items -> Integer,
        /// How many attempts it had when it ended.
        attempts -> Integer,
        /// What its successful attempt gave.
        output -> Nullable<Jsonb>,
        /// When it ended.
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// The boundary of ownership and isolation; every other row belongs to one.
    tenants (id) {
        /// Names the tenant in every other table. All zeros is the platform itself, which owns shared executors.
        id -> Uuid,
        /// The tenant's name in tokens.
        key -> Text,
        /// The slice of the tenants that it is scheduled with, under one advisory lock.
        partition -> SmallInt,
        /// How many runs of it may be live at once, those within other runs not counted; as many as it likes when absent.
        most_live_runs -> Nullable<Integer>,
        /// When it was created.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// What a scheduler is to look at, and when. A timer decides nothing: whoever it wakes looks at what is true by then. They go with their run.
    timers (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the timer.
        id -> Uuid,
        /// The tenant's partition.
        partition -> SmallInt,
        /// When.
        due_at -> Timestamptz,
        /// What is to be looked at.
        kind -> Text,
        /// The run.
        run_id -> Uuid,
        /// The task run, when it is one's.
        task_run_id -> Nullable<Uuid>,
        /// The attempt, when it is one's.
        fence -> Nullable<Integer>,
    }
}

diesel::table! {
    /// What starts workflows when something else happens.
    triggers (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the trigger for good.
        id -> Uuid,
        /// The trigger's name among people, unique within the tenant.
        key -> Text,
        /// Rises with every edit; an edit names the revision that it was made from.
        revision -> Integer,
        /// What it is for.
        description -> Text,
        /// The workflow that it starts.
        workflow_id -> Uuid,
        /// The workflow whose runs' ends it waits for.
        watched_workflow_id -> Nullable<Uuid>,
        /// The RunStates of the ends that it waits for.
        end_states -> Nullable<Array<Text>>,
        /// The name of the published events that it waits for.
        event_name -> Nullable<Text>,
        /// The key that these must have; any will do when absent.
        event_key -> Nullable<Text>,
        /// A TriggerSpec without the workflow that it starts.
        spec -> Jsonb,
        /// A TriggerState.
        state -> Text,
        /// Why it is paused, in a sentence.
        state_reason -> Nullable<Text>,
        /// Since when it is in that state.
        changed_at -> Timestamptz,
        /// The subject of the token that brought it there; nobody since it was made.
        changed_by -> Nullable<Text>,
        /// When it was registered.
        created_at -> Timestamptz,
        /// When it was last edited.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// The live runs whose end a schedule or a trigger waits for. A scheduler takes a row away once it has acted on the end.
    watched_runs (tenant_id, run_id) {
        /// The owner.
        tenant_id -> Uuid,
        /// The run.
        run_id -> Uuid,
        /// The tenant's partition.
        partition -> SmallInt,
        /// The run's workflow.
        workflow_id -> Uuid,
        /// The schedule that started it for an occurrence that was due; none for a backfill.
        schedule_id -> Nullable<Uuid>,
        /// The key under which it may not overlap with others.
        overlap_key -> Nullable<Text>,
        /// The backfill that started it.
        backfill_id -> Nullable<Uuid>,
        /// The RunState that it ended in.
        ended_as -> Nullable<Text>,
        /// When it ended.
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// What deliveries to the webhooks of triggers are signed with.
    webhook_secrets (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the secret.
        id -> Uuid,
        /// The trigger.
        trigger_id -> Uuid,
        /// The secret as it is: a signature is checked by making it anew.
        secret -> Text,
        /// Until when it is taken, once another has come in its place.
        valid_until -> Nullable<Timestamptz>,
        /// When it was made.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Immutable editions of workflows.
    workflow_versions (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the version for good.
        id -> Uuid,
        /// The workflow.
        workflow_id -> Uuid,
        /// The edition, from 1.
        number -> Integer,
        /// A Definition: every node with its program or endpoint as it was, and the edges.
        definition -> Jsonb,
        /// The priority of runs that name none, 0 to 9.
        priority -> SmallInt,
        /// The subject of the token that published it.
        published_by -> Text,
        /// When it was published.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// The workflows all of whose runs are watched, and for whom.
    workflow_watchers (tenant_id, workflow_id, watcher_id) {
        /// The owner.
        tenant_id -> Uuid,
        /// The workflow.
        workflow_id -> Uuid,
        /// The schedule or the trigger.
        watcher_id -> Uuid,
    }
}

diesel::table! {
    /// Named graphs of task nodes.
    workflows (tenant_id, id) {
        /// The owner.
        tenant_id -> Uuid,
        /// Names the workflow for good.
        id -> Uuid,
        /// The workflow's name among people, unique within the tenant.
        key -> Text,
        /// Rises with every edit and publication; an edit names the revision that it was made from.
        revision -> Integer,
        /// What it is for.
        description -> Text,
        /// What the next version will hold: nodes that name task nodes, edges, inputs, priority.
        draft -> Jsonb,
        /// The number of the latest version; 0 before the first.
        latest_version -> Integer,
        /// The version that runs start from; none before the first publication.
        published_version_id -> Nullable<Uuid>,
        /// When it was created.
        created_at -> Timestamptz,
        /// When it was last edited or published.
        updated_at -> Timestamptz,
        /// When it was deleted; callers do not see it from then on.
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    alert_causes,
    alert_channels,
    alert_deliveries,
    alert_progress,
    alert_rules,
    alerts,
    attempts,
    awaited_events,
    backfill_steps,
    backfills,
    bulk_jobs,
    bulk_refusals,
    calendars,
    callbacks,
    dispatch,
    endpoints,
    events,
    executors,
    firings,
    idempotency_keys,
    log_lines,
    occurrences,
    package_chunks,
    packages,
    programs,
    progress,
    published_events,
    runs,
    schedule_states,
    schedulers,
    schedules,
    silences,
    task_nodes,
    task_runs,
    tenants,
    timers,
    triggers,
    watched_runs,
    webhook_secrets,
    workflow_versions,
    workflow_watchers,
    workflows,
);
