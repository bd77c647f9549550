//! The client: connections that ask one request after another. It writes and reads bytes without a library, so that most
//! of the time on shared cores is that of the programs.

use std::sync::Arc;
use std::time::Duration;

use store_core::backend::SeededRandom;
use store_core::{Clock as _, Random as _, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::programs::Program;
use crate::corpus::Entry;
use crate::error::Error;
use crate::statistics::Samples;

const READ_BYTES: usize = 64 << 10;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    requests: Arc<[Asked]>,
}

/// A request as it is sent, and the length of the body that answers it.
#[derive(Debug)]
struct Asked {
    request: Vec<u8>,
    body_len: usize,
}

/// What a program did in a turn.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) hits_per_second: f64,
    /// How long each answer took.
    pub(crate) answers: Samples,
}

impl Load {
    pub(crate) fn new(entries: &[Entry]) -> Self {
        Self {
            requests: entries.iter().map(Asked::new).collect(),
        }
    }

    /// Asks for every entry once.
    pub(crate) async fn fill(&self, program: &Program) -> Result<(), Error> {
        let mut connection = Connection::open(program).await?;
        for asked in &*self.requests {
            connection.ask(asked).await?;
        }
        Ok(())
    }

    /// Asks for entries at random on so many connections for a while.
    pub(crate) async fn turn(
        &self,
        program: &Program,
        connections: usize,
        duration: Duration,
    ) -> Result<Turn, Error> {
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(Connection::open(program).await?);
        }
        let timer = SystemClock::new();
        let tasks: Vec<_> = (0..)
            .zip(open)
            .map(|(seed, connection)| {
                let asking = self.clone().ask_until(connection, seed, timer, duration);
                tokio::spawn(asking)
            })
            .collect();
        let mut answers = Samples::default();
        for task in tasks {
            answers.extend(task.await??);
        }
        let seconds = timer.monotonic().as_secs_f64();
        Ok(Turn {
            hits_per_second: answers.count() / seconds,
            answers,
        })
    }

    async fn ask_until(
        self,
        mut connection: Connection,
        seed: u64,
        timer: SystemClock,
        end: Duration,
    ) -> Result<Samples, Error> {
        let random = SeededRandom::new(seed);
        let count = (self.requests.len() as u64).max(1);
        let mut answers = Samples::default();
        let mut began = timer.monotonic();
        while began < end {
            let place = usize::try_from(random.next_u64() % count).unwrap_or(0);
            if let Some(asked) = self.requests.get(place) {
                connection.ask(asked).await?;
            }
            let ended = timer.monotonic();
            answers.add(ended.saturating_sub(began));
            began = ended;
        }
        Ok(answers)
    }
}

impl Asked {
    fn new(entry: &Entry) -> Self {
        let path = entry.target.path_and_query();
        let path = path.map_or("/", |path| path.as_str());
        let mut request =
            format!("GET {path} HTTP/1.1\r\nhost: comicvine.example\r\n").into_bytes();
        for (name, value) in &entry.request {
            request.extend_from_slice(name.as_str().as_bytes());
            request.extend_from_slice(b": ");
            request.extend_from_slice(value.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        Self {
            request,
            body_len: entry.body.len(),
        }
    }
}

struct Connection {
    program: &'static str,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(program: &Program) -> Result<Self, Error> {
        let stream = TcpStream::connect(program.address).await;
        let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
        Ok(Self {
            program: program.name,
            stream: stream.map_err(|source| Error::Connection {
                program: program.name.to_owned(),
                source,
            })?,
            buffer: Vec::with_capacity(READ_BYTES),
        })
    }

    /// Asks, and checks the status and the length of what comes.
    async fn ask(&mut self, asked: &Asked) -> Result<(), Error> {
        let failed = |source| Error::Connection {
            program: self.program.to_owned(),
            source,
        };
        let Self { stream, buffer, .. } = self;
        stream.write_all(&asked.request).await.map_err(failed)?;
        buffer.clear();
        // The length of the head, once it is there.
        let mut head = None;
        while head.is_none_or(|head| buffer.len() < head + asked.body_len) {
            let read = stream.read_buf(buffer).await.map_err(failed)?;
            if head.is_none() {
                head = head_len(buffer);
                let length = head.and_then(|head| body_len(buffer.get(..head)?));
                if read == 0 || (head.is_some() && length != Some(asked.body_len)) {
                    let answer = String::from_utf8_lossy(buffer).into_owned();
                    return Err(Error::Answer {
                        program: self.program.to_owned(),
                        answer,
                    });
                }
            } else if read == 0 {
                return Err(failed(std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
        Ok(())
    }
}

fn head_len(bytes: &[u8]) -> Option<usize> {
    let mut windows = bytes.windows(4);
    windows
        .position(|window| window == b"\r\n\r\n")
        .map(|at| at + 4)
}

/// That of an answer with status 200, which names it.
fn body_len(head: &[u8]) -> Option<usize> {
    let head = str::from_utf8(head).ok()?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return None;
    }
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_an_answer_is_that_of_its_head() {
        let answer = b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\none";
        let head = head_len(answer).unwrap();
        assert_eq!(&answer[head..], b"one");
        assert_eq!(body_len(&answer[..head]), Some(3));
        assert_eq!(
            body_len(b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n"),
            None
        );
        assert_eq!(head_len(&answer[..head - 1]), None);
    }
}
