//! Accounts by links in mails: addresses, passwords, sign-ins from elsewhere. Each flow to its end, and each way in which a link is no good.

mod addresses;
mod alerts;
mod pages;
mod passwords;
mod stage;
