//! `pawbase admin`: administrators, from the machine itself. Passwords come from the environment or the terminal, never
//! from an argument that other users of the machine could see.

use std::io::{BufRead, IsTerminal, Write};

use clap::Subcommand;

use super::{Failure, describe, say};
use crate::app::App;
use crate::context::Role;
use crate::modules::identity;

/// Where a script puts the password.
const PASSWORD_VARIABLE: &str = "PAWBASE_ADMIN_PASSWORD";

/// Commands about administrators.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create an administrator; the password is asked for, or taken from PAWBASE_ADMIN_PASSWORD.
    Create {
        /// E-mail address to sign in with.
        email: String,
        /// Name shown to others.
        #[arg(long, default_value = "Administrator")]
        name: String,
        /// support, admin or super_admin.
        #[arg(long, default_value = "super_admin")]
        role: String,
    },
    /// List all staff accounts.
    List,
    /// Give an administrator a new password and end all sessions.
    ResetPassword {
        /// E-mail address.
        email: String,
    },
    /// Suspend an administrator and end all sessions.
    Disable {
        /// E-mail address.
        email: String,
    },
}

/// Runs a command about administrators.
pub async fn run(app: &App, command: Command) -> Result<(), Failure> {
    let (platform, identity) = (&app.platform, &app.identity);
    match command {
        Command::Create { email, name, role } => {
            let role = Role::parse(&role).filter(|role| role.is_staff());
            let role = role.ok_or("the role must be support, admin or super_admin")?;
            let password = password()?;
            identity::create_admin(platform, identity, &email, &name, &password, role).await.map_err(describe)?;
            say(format!("created {email} as {}", role.as_str()));
        }
        Command::List => {
            for admin in identity::list_admins(platform).await.map_err(describe)? {
                say(format!("{:<32} {:<12} {}", admin.email, admin.roles.join(","), admin.status));
            }
        }
        Command::ResetPassword { email } => {
            let password = password()?;
            identity::reset_password(platform, identity, &email, &password).await.map_err(describe)?;
            say(format!("{email} has a new password; all sessions were ended"));
        }
        Command::Disable { email } => {
            identity::disable(platform, &email).await.map_err(describe)?;
            say(format!("{email} is suspended; all sessions were ended"));
        }
    }
    Ok(())
}

fn password() -> Result<String, Failure> {
    if let Ok(password) = std::env::var(PASSWORD_VARIABLE) {
        return Ok(password);
    }
    let input = std::io::stdin();
    if input.is_terminal() {
        let _ = write!(std::io::stderr(), "Password (it will be shown): ");
    }
    let mut line = String::new();
    input.lock().read_line(&mut line).map_err(|error| format!("cannot read the password: {error}"))?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() { Err(format!("no password: type one, or set {PASSWORD_VARIABLE}")) } else { Ok(password) }
}
