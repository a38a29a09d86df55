//! A shop whose products change.

use pawbase::config::Config;
use pawbase::context::Role;
use pawbase_engine::Value as Stored;
use serde_json::{Value, json};

use crate::support::live::{LIMIT, Socket};
use crate::support::{Client, TestApp, settings};

pub struct Stage {
    pub test: TestApp,
    /// An administrator.
    pub admin: Client,
    pub business: String,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(settings()).await
    }

    pub async fn with(config: Config) -> Self {
        let test = TestApp::with(config).await;
        let (admin, business) = (test.staff(Role::SuperAdmin).await, test.business().await);
        test.system("CREATE product_categories:food SET name = 'Food'; CREATE species:dog SET name = 'Dog'").await;
        Self { test, admin, business }
    }

    /// A new product in that state; its key.
    pub async fn product(&self, status: &str) -> String {
        self.product_with(json!({ "status": status })).await
    }

    /// A new active product with further members; its key.
    pub async fn product_with(&self, more: Value) -> String {
        let mut body = json!({
            "business": self.business, "category": "food", "name": "Bone", "sku": uuid(&self.test), "status": "active",
            "price": { "minor": 500, "currency": "EUR" }, "cost": { "minor": 200, "currency": "EUR" },
        });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        self.admin.post("/api/admin/products", body).await.assert(201).id()
    }

    /// Changes a product.
    pub async fn change(&self, id: &str, body: Value) {
        self.admin.patch(&format!("/api/admin/products/{id}"), body).await.assert(200);
    }

    pub async fn delete(&self, id: &str) {
        self.admin.delete(&format!("/api/admin/products/{id}")).await.assert(204);
    }

    /// Somebody who sees every change of a table: what they were told of, everybody was.
    pub async fn witness(&self, table: &str) -> Witness {
        let mut socket = Socket::open_admin(&self.admin).await;
        socket.subscribe("w", table).await;
        Witness(socket)
    }

    /// How many live queries the engine has over a table.
    pub async fn live_queries(&self, table: &str) -> usize {
        let rows = self.test.rows(&format!("INFO FOR TABLE {table}")).await;
        let Some(Stored::Object(info)) = rows.first() else { panic!("{rows:?}") };
        match info.get("lives") {
            Some(Stored::Object(lives)) => lives.len(),
            other => panic!("{other:?}"),
        }
    }
}

fn uuid(test: &TestApp) -> String {
    use pawbase::kernel::time::Clock;
    test.app.platform.ids.next(test.clock.now()).to_string()
}

/// Sees every change of a table.
pub struct Witness(Socket);

impl Witness {
    /// Waits for so many changes.
    pub async fn sees(&mut self, count: usize) {
        for _ in 0..count {
            self.0.change().await;
        }
    }
}

/// Waits until `holds` answers true.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("{what}: not in time"));
}
