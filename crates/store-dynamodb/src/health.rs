//! Whether the stores can work with their table, and how far the clocks are apart.

mod clock;

use std::fmt;
use std::time::Duration;

use aws_sdk_dynamodb::types::{TableStatus, TimeToLiveStatus};
use futures_util::future::join3;
use store_core::{Error, ErrorKind, SECOND};

pub use self::clock::ClockDifference;
use self::clock::Dates;
use crate::error::BACKEND;
use crate::item::ItemKey;
use crate::options::MAX_CLOCK_SKEW;
use crate::table::DynamoDbTable;

const OPERATION: &str = "health";

/// What a health check asks for.
///
/// ```
/// use store_dynamodb::HealthOptions;
///
/// assert_eq!(HealthOptions::default().timeout.as_secs(), 2);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HealthOptions {
    /// The longest that the check may take. Default: 2 s.
    pub timeout: Duration,
    /// By how much this host's clock may differ from the service's, as the options of the stores say.
    /// Default: 20 ms, as theirs.
    pub max_clock_skew: Duration,
}

impl Default for HealthOptions {
    fn default() -> Self {
        Self {
            timeout: SECOND * 2,
            max_clock_skew: MAX_CLOCK_SKEW,
        }
    }
}

impl HealthOptions {
    /// Sets [`timeout`](Self::timeout).
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`max_clock_skew`](Self::max_clock_skew).
    #[must_use]
    pub const fn with_max_clock_skew(mut self, skew: Duration) -> Self {
        self.max_clock_skew = skew;
        self
    }
}

/// What a health check has found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Health {
    /// How long a consistent read took, if it succeeded.
    pub latency: Option<Duration>,
    /// How far the service's clock is ahead of this host's, if it told the time.
    pub clock: Option<ClockDifference>,
    /// What is not as it should be.
    pub problems: Vec<Problem>,
}

impl Health {
    /// Whether the stores can work: no problem [is serious](Problem::is_serious).
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self.problems.iter().any(Problem::is_serious)
    }
}

/// Something that is not as it should be; in words it tells the remedy.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The table cannot be read: it is not reachable, not there, has other keys, or the circuit is open.
    Unreadable(Error),
    /// The table is neither active nor being updated.
    NotActive {
        /// Its state, as the service calls it.
        status: String,
    },
    /// DynamoDB will not remove what has expired.
    TimeToLive {
        /// The attribute that should rule it.
        wanted: String,
        /// The one that does, if it is on.
        found: Option<String>,
    },
    /// The clocks are certainly further apart than the stores allow for: leases and windows of hosts
    /// would overlap.
    Clock {
        /// By how much they differ.
        difference: ClockDifference,
        /// By how much they may.
        allowed: Duration,
    },
    /// The service answers without telling the time, as some servers for tests do: nobody knows how far
    /// the clocks are apart.
    TimeUntold,
}

impl Problem {
    /// Whether it keeps the stores from working, or from keeping their promises.
    #[must_use]
    pub const fn is_serious(&self) -> bool {
        match self {
            Self::TimeToLive { .. } | Self::TimeUntold => false,
            Self::Unreadable(_) | Self::NotActive { .. } | Self::Clock { .. } => true,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::NotActive { status } => write!(f, "the table is {status}"),
            Self::TimeToLive { wanted, found } => {
                match found {
                    Some(found) => write!(f, "the time to live is ruled by {found}")?,
                    None => f.write_str("the time to live is off")?,
                }
                write!(
                    f,
                    ", so what has expired stays and costs: `cargo xtask setup-dynamo` turns it on for \
                     {wanted}"
                )
            }
            Self::Clock {
                difference,
                allowed,
            } => write!(
                f,
                "the service's clock is {difference} ahead of this host's, and {} ms are allowed for; \
                 keep this host's time by NTP",
                allowed.as_millis()
            ),
            Self::TimeUntold => f.write_str(
                "the service does not tell the time, so this host's clock was not compared; keep it by \
                 NTP",
            ),
        }
    }
}

impl DynamoDbTable {
    /// Checks whether the stores can work with this table: reads an item that does not exist (one
    /// read unit), and asks for the table's state and time to live. What the credentials may not
    /// ask for is passed over.
    ///
    /// Ends within the options' time, and never fails: what goes wrong is in the answer.
    ///
    /// ```no_run
    /// # async fn example(table: store_dynamodb::DynamoDbTable) {
    /// let health = table.health(&store_dynamodb::HealthOptions::default()).await;
    /// for problem in &health.problems {
    ///     println!("{problem}");
    /// }
    /// assert!(health.is_healthy());
    /// # }
    /// ```
    pub async fn health(&self, options: &HealthOptions) -> Health {
        let clock = &self.options().clock;
        let dates = Dates::new(clock);
        let began = clock.monotonic();
        let read = async {
            let read = self
                .within(options.timeout, Box::pin(self.read_nothing(&dates)))
                .await;
            read.map(|()| clock.monotonic().saturating_sub(began))
        };
        let (read, status, time_to_live) = join3(
            read,
            self.within(options.timeout, self.status()),
            self.within(options.timeout, self.time_to_live()),
        )
        .await;
        let mut problems = Vec::new();
        let latency = read.map_err(|error| problems.push(Problem::Unreadable(error)));
        if let Ok(Some(status)) = status
            && !matches!(status, TableStatus::Active | TableStatus::Updating)
        {
            let status = status.as_str().to_owned();
            problems.push(Problem::NotActive { status });
        }
        let wanted = &self.options().names.time_to_live;
        if let Ok(Some(found)) = time_to_live
            && found.as_ref() != Some(wanted)
        {
            let wanted = wanted.clone();
            problems.push(Problem::TimeToLive { wanted, found });
        }
        let difference = dates.difference();
        match difference {
            Some(difference) if difference.exceeds(options.max_clock_skew) => {
                problems.push(Problem::Clock {
                    difference,
                    allowed: options.max_clock_skew,
                });
            }
            None if latency.is_ok() => problems.push(Problem::TimeUntold),
            Some(_) | None => {}
        }
        Health {
            latency: latency.ok(),
            clock: difference,
            problems,
        }
    }

    /// A read as the stores make them, which shows that the table is there and has their keys.
    async fn read_nothing(&self, dates: &Dates) -> Result<(), Error> {
        let request = Box::pin(
            self.client()
                .get_item()
                .table_name(self.name())
                .set_key(Some(self.key(&ItemKey::new("HEALTH", "HEALTH"))))
                .consistent_read(true)
                .customize()
                .interceptor(dates.clone())
                .send(),
        );
        let answer = self.call(OPERATION, request).await;
        answer.map_err(|failure| failure.into_error(OPERATION))?;
        Ok(())
    }

    /// The table's state, if it may be asked for.
    async fn status(&self) -> Result<Option<TableStatus>, Error> {
        let request = self.client().describe_table().table_name(self.name());
        let answer = Box::pin(request.send()).await;
        let described = answer.ok().and_then(|answer| answer.table);
        Ok(described.and_then(|table| table.table_status))
    }

    /// The attribute that rules the time to live, if it is on, if that may be asked for.
    async fn time_to_live(&self) -> Result<Option<Option<String>>, Error> {
        let request = self.client().describe_time_to_live();
        let answer = Box::pin(request.table_name(self.name()).send()).await;
        let described = answer
            .ok()
            .and_then(|answer| answer.time_to_live_description);
        Ok(
            described.map(|described| match described.time_to_live_status {
                Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) => {
                    described.attribute_name
                }
                _ => None,
            }),
        )
    }

    /// What `work` comes to, unless it takes too long.
    async fn within<T>(
        &self,
        timeout: Duration,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.wait(timeout) => Err(Error::new(ErrorKind::Timeout, BACKEND, OPERATION)),
        }
    }
}
