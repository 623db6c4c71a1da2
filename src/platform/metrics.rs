//! Workers Analytics Engine behind the `Metrics` port.

use worker::{AnalyticsEngineDataPointBuilder, AnalyticsEngineDataset};

use crate::ports::Metrics;

/// The dataset, where there is one.
pub struct AnalyticsEngine(Option<AnalyticsEngineDataset>);

impl AnalyticsEngine {
    pub(super) fn new(dataset: Option<AnalyticsEngineDataset>) -> Self {
        Self(dataset)
    }
}

impl Metrics for AnalyticsEngine {
    fn record(&self, name: &'static str, label: &str, value: f64) {
        let Some(dataset) = &self.0 else { return };
        let written = AnalyticsEngineDataPointBuilder::new()
            .indexes([name])
            .add_blob(label)
            .add_double(value)
            .write_to(dataset);
        if let Err(error) = written {
            tracing::debug!(%error, name, "metric not written");
        }
    }
}
