//! What operating a table needs: health, metrics, the circuit breaker, and requests of an application's own.
//!
//! | to | use |
//! |---|---|
//! | check the table's health | [`DynamoDbTable::health`](crate::DynamoDbTable::health), [`HealthOptions`], [`Health`], [`Problem`] |
//! | observe it: tracing, metrics | [`Monitor`], [`MetricsSink`] |
//! | publish to CloudWatch (feature `cloudwatch`) | `CloudWatchMetricsPublisher`, `Dashboard` |
//! | fail fast while the table is down | [`CircuitBreakerOptions`], [`CircuitStatus`] |
//! | send requests of your own | [`BatchWriter`], [`execute_in_parallel`], [`AdaptiveDelayCalculator`] |

pub(crate) mod batch_size;
pub(crate) mod batch_writer;
#[cfg(feature = "cloudwatch")]
mod cloudwatch;
pub(crate) mod delay;
mod health;
pub(crate) mod housekeeping;
pub(crate) mod metrics;
pub(crate) mod monitor;
pub(crate) mod parallel;

pub use batch_size::calculate_optimal_batch_size;
pub use batch_writer::BatchWriter;
#[cfg(feature = "cloudwatch")]
pub use cloudwatch::{CloudWatchMetricsPublisher, Dashboard};
pub use delay::AdaptiveDelayCalculator;
pub use health::{ClockSkew, Health, HealthOptions, Problem};
pub use metrics::{Metric, MetricKind, MetricsSink};
pub use monitor::Monitor;
pub use parallel::execute_in_parallel;
#[doc(no_inline)]
pub use store_core::backend::breaker::{CircuitBreakerOptions, CircuitState, CircuitStatus};
