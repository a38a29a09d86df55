//! Names to addresses, without those that may not be called. It is asked for each new connection, so what a name leads to is judged
//! when it counts, however it changes in between.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::Guard;

/// Asks what a name leads to.
type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// A name leads to addresses alone that may not be called.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no address that may be called")]
pub(super) struct Closed;

/// Names that lead to permitted addresses.
#[derive(Clone)]
pub(super) struct Names {
    guard: Arc<Guard>,
    lookup: Lookup,
}

impl Names {
    /// As this machine resolves them.
    pub fn new(guard: Arc<Guard>) -> Self {
        let lookup: Lookup =
            Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) }));
        Self { guard, lookup }
    }

    async fn permitted(self, name: String) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let all = (self.lookup)(name).await?;
        let permitted: Vec<SocketAddr> = all.into_iter().filter(|address| self.guard.permits(address.ip())).collect();
        if permitted.is_empty() { Err(Closed.into()) } else { Ok(permitted) }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let permitted = self.clone().permitted(name.as_str().to_owned());
        Box::pin(async move {
            let addresses: Addrs = Box::new(permitted.await?.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A name whose answers change from question to question.
    fn names(answers: &[&[&str]]) -> Names {
        let mut answers: Vec<Vec<SocketAddr>> = answers
            .iter()
            .map(|answer| answer.iter().map(|ip| SocketAddr::new(ip.parse().expect("an address"), 0)).collect())
            .collect();
        answers.reverse();
        let answers = Arc::new(Mutex::new(answers));
        let lookup: Lookup = Arc::new(move |_| {
            let answer = answers.lock().expect("a lock").pop().expect("an answer");
            Box::pin(async move { Ok(answer) })
        });
        Names { guard: Arc::new(Guard::default()), lookup }
    }

    async fn ask(names: &Names) -> Result<Vec<String>, String> {
        let name: Name = "shop.example".parse().map_err(|_| "no name".to_owned())?;
        let found = names.resolve(name).await.map_err(|error| error.to_string())?;
        Ok(found.map(|address| address.ip().to_string()).collect())
    }

    #[tokio::test]
    async fn a_name_is_judged_anew_each_time() {
        let names = names(&[&["93.184.216.34"], &["127.0.0.1", "::1"], &["169.254.169.254"], &["93.184.216.34"]]);
        assert_eq!(ask(&names).await, Ok(vec!["93.184.216.34".to_owned()]));
        for _ in 0..2 {
            assert_eq!(ask(&names).await, Err(Closed.to_string()));
        }
        assert_eq!(ask(&names).await, Ok(vec!["93.184.216.34".to_owned()]));
    }

    #[tokio::test]
    async fn of_several_addresses_the_permitted_ones_remain() {
        let names = names(&[&["10.0.0.1", "93.184.216.34", "fe80::1", "2606:4700::1111"]]);
        assert_eq!(ask(&names).await, Ok(vec!["93.184.216.34".to_owned(), "2606:4700::1111".to_owned()]));
    }
}
