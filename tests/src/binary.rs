//! The one binary, as processes of their own.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::api::{Api, Client};
use crate::sources::root;
use crate::world::World;

/// Where Cargo puts the binary: beside the folder of this test.
fn path() -> PathBuf {
    let test = std::env::current_exe().expect("a test is a file");
    let binary = test
        .parent()
        .and_then(std::path::Path::parent)
        .map(|folder| folder.join("waterclock"));
    let binary = binary.expect("tests are two folders deep");
    assert!(
        binary.is_file(),
        "{} is not there; build it with `cargo build --package waterclock`",
        binary.display()
    );
    binary
}

/// The binary with `arguments`, and with none of this process's own settings.
#[must_use]
pub fn waterclock(arguments: &[&str]) -> Command {
    let mut command = Command::new(path());
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Runs a command of the command line as `client`, in the project's folder.
pub async fn command(api: &Api, client: &Client, arguments: &[&str]) -> Output {
    let output = waterclock(arguments)
        .current_dir(root())
        .env("WATERCLOCK_URL", format!("http://{}", api.address))
        .env("WATERCLOCK_TOKEN", &client.token)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .await;
    output.expect("the binary starts")
}

/// A role of the binary, until it is killed or dropped.
pub struct RoleProcess {
    child: Child,
    _data: TempDir,
}

impl World {
    /// Starts a role on this world's database.
    #[must_use]
    pub fn role(&self, role: &str, arguments: &[&str]) -> RoleProcess {
        let data = tempfile::tempdir().expect("a folder");
        let mut command = waterclock(&[role, "--log", "error", "--database-url", self.url().as_str()]);
        let child = command.args(arguments).arg("--data-dir").arg(data.path()).spawn();
        RoleProcess {
            child: child.expect("the binary starts"),
            _data: data,
        }
    }
}

impl RoleProcess {
    /// Kills it as `kill -9` does.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it was alive until now");
    }
}
