//! How long a job waits for GitHub.

use std::time::Duration;

/// How long a job waits for GitHub.
#[derive(Debug, Clone)]
pub struct Patience {
    /// For a connection.
    pub connection: Duration,
    /// For one request.
    pub request: Duration,
    /// For one download as a whole.
    pub download: Duration,
    /// Between the tries of a request; there is one try more than there are waits.
    pub waits: Vec<Duration>,
    /// Between all tries of a run, together: a service that asks for more gets none.
    pub budget: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connection: Duration::from_secs(10),
            request: Duration::from_secs(30),
            download: Duration::from_secs(900),
            waits: [500, 1_000, 2_000].map(Duration::from_millis).to_vec(),
            budget: Duration::from_secs(150),
        }
    }
}
