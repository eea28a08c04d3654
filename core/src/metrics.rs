//! What a process measures of itself, for Prometheus.

use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntGaugeVec, Opts, PullingGauge, Registry};

use crate::watch::Watch;

/// The measures of one process. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    /// Everything below, to be rendered.
    pub registry: Registry,
    /// How long passes over a partition took, in seconds.
    pub passes: Histogram,
    /// How late after its instant each occurrence was started that a scheduler of this process started, in seconds.
    pub lateness: Histogram,
    /// Task runs that schedulers of this process assigned.
    pub assignments: IntCounter,
    /// Live runs, by state.
    pub runs: IntGaugeVec,
    /// Live task runs, by state.
    pub task_runs: IntGaugeVec,
    /// How long the longest-waiting ready task run has waited, in seconds.
    pub queue_wait: Gauge,
    /// Living executors, by state.
    pub executors: IntGaugeVec,
    /// Connections of this process's pools, by state.
    pub connections: IntGaugeVec,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Measures that all stand at zero.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let metrics = Self {
            passes: histogram(
                "waterclock_pass_duration_seconds",
                "How long passes over a partition took.",
                prometheus::exponential_buckets(0.000_5, 2.0, 14),
            ),
            lateness: histogram(
                "waterclock_occurrence_lateness_seconds",
                "How late after their instants occurrences of schedules were started.",
                prometheus::exponential_buckets(0.001, 2.0, 20),
            ),
            assignments: counter(
                "waterclock_assignments_total",
                "Task runs assigned by schedulers of this process.",
            ),
            runs: gauges("waterclock_runs", "Live runs, by state.", "state"),
            task_runs: gauges("waterclock_task_runs", "Live task runs, by state.", "state"),
            queue_wait: Gauge::new(
                "waterclock_queue_wait_seconds",
                "How long the longest-waiting ready task run has waited.",
            )
            .expect("the name is well-formed"),
            executors: gauges("waterclock_executors", "Living executors, by state.", "state"),
            connections: gauges(
                "waterclock_pool_connections",
                "Connections of this process's pools, by state.",
                "state",
            ),
            registry,
        };
        metrics.register();
        metrics
    }

    /// Shows how many subscriptions `watch` serves, asked when it is rendered.
    ///
    /// To be called once for each process.
    pub fn show_subscribers(&self, watch: Watch) {
        #[expect(clippy::cast_precision_loss, reason = "nobody serves 2^53 subscriptions")]
        let gauge = PullingGauge::new(
            "waterclock_subscribers",
            "Subscriptions that this process serves.",
            Box::new(move || watch.subscribers() as f64),
        )
        .expect("the name is well-formed");
        self.registry.register(Box::new(gauge)).expect("it is shown once");
    }

    fn register(&self) {
        let collectors: [Box<dyn prometheus::core::Collector>; 8] = [
            Box::new(self.passes.clone()),
            Box::new(self.lateness.clone()),
            Box::new(self.assignments.clone()),
            Box::new(self.runs.clone()),
            Box::new(self.task_runs.clone()),
            Box::new(self.queue_wait.clone()),
            Box::new(self.executors.clone()),
            Box::new(self.connections.clone()),
        ];
        for collector in collectors {
            self.registry
                .register(collector)
                .expect("each name is registered once");
        }
    }
}

fn histogram(name: &str, help: &str, buckets: prometheus::Result<Vec<f64>>) -> Histogram {
    let buckets = buckets.expect("the buckets are well-formed");
    Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets)).expect("the name is well-formed")
}

fn counter(name: &str, help: &str) -> IntCounter {
    IntCounter::new(name, help).expect("the name is well-formed")
}

fn gauges(name: &str, help: &str, label: &str) -> IntGaugeVec {
    IntGaugeVec::new(Opts::new(name, help), &[label]).expect("the name is well-formed")
}
