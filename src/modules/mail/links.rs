//! The addresses that mails link to.

use super::letter::Link;
use crate::config::Config;
use crate::context::Audience;
use crate::services::keys::Keys;

/// What stands in place of a token for whoever may not have it.
pub const HIDDEN: &str = "hidden";

/// Where the listeners are, seen from outside.
#[derive(Debug, Clone)]
pub struct Places {
    public: String,
    admin: String,
}

impl Places {
    /// As the settings say; without a `base_url` the address that is listened on.
    pub fn new(config: &Config) -> Self {
        let place = |base: &str, bind: std::net::SocketAddr| {
            if !base.is_empty() {
                return base.trim_end_matches('/').to_owned();
            }
            // "All addresses" is none that a browser could go to.
            if bind.ip().is_unspecified() {
                format!("http://localhost:{}", bind.port())
            } else {
                format!("http://{bind}")
            }
        };
        Self {
            public: place(&config.public.base_url, config.public.bind),
            admin: place(&config.admin.base_url, config.admin.bind),
        }
    }

    fn base(&self, audience: Audience) -> &str {
        match audience {
            Audience::Public => &self.public,
            Audience::Admin => &self.admin,
        }
    }

    /// A link that a person follows: its token is for the page alone, and is sent to no server by following it.
    pub fn link(&self, link: &Link, token: &str) -> String {
        format!("{}{}#token={token}", self.base(link.audience), link.path)
    }

    /// A link that a mail program calls by itself (RFC 8058).
    pub fn one_click(&self, link: &Link, token: &str) -> String {
        format!("{}{}?token={token}", self.base(link.audience), link.path)
    }
}

/// The token of a link; hidden from whoever may only see the mail.
pub fn token(keys: &Keys, link: &Link, is_live: bool) -> String {
    if is_live { keys.link_token(&link.purpose, link.id) } else { HIDDEN.to_owned() }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn links_lead_to_where_the_listeners_are_seen() {
        let mut config = Config::default();
        let link = Link::new("/account/reset", "reset", Uuid::nil());
        assert_eq!(Places::new(&config).link(&link, "t"), "http://127.0.0.1:3000/account/reset#token=t");
        config.public.bind = "0.0.0.0:80".parse().expect("an address");
        assert_eq!(Places::new(&config).link(&link, "t"), "http://localhost:80/account/reset#token=t");
        config.public.base_url = "https://api.shop.example/".to_owned();
        let places = Places::new(&config);
        assert_eq!(places.one_click(&link, "t"), "https://api.shop.example/account/reset?token=t");
        assert_eq!(places.link(&link.at(Audience::Admin), "t"), "http://127.0.0.1:3001/account/reset#token=t");
    }
}
