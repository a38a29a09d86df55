//! Recipes for the operations of any table, and for the batch.

use std::sync::Mutex;

use futures::StreamExt;
use pawbase::context::Audience;
use pawbase::schema::KeyKind;
use serde_json::{Map, Value, json};

use super::document::{Kind, Operation};
use super::inputs::easiest;
use super::requests::Ask;
use super::stage::{COST_MAX, ROWS_MAX, Stage};
use crate::support::client::Reply;

/// Conditions enough to cost too much on this stage.
const CONDITIONS: usize = 2 * COST_MAX;
/// A tag that no record has.
const OTHER_TAG: &str = "\"other\"";

/// Recipes for one operation.
pub struct Recipes<'a> {
    pub stage: &'a Stage,
    pub operation: &'a Operation<'a>,
    pub faults: &'a Mutex<Vec<String>>,
}

impl<'a> Recipes<'a> {
    fn ask(&self) -> Ask<'a> {
        Ask::new(self.stage, self.operation, self.faults)
    }

    /// The answer with `status`, by what is special about records; None where there is no such way.
    pub async fn answer(&self, status: u16) -> Option<Reply> {
        match (self.operation.kind, status) {
            (Kind::List | Kind::Aggregate, 200) => Some(self.ask().send().await),
            (Kind::List | Kind::Aggregate | Kind::Export, 422) => Some(self.costly().await),
            (Kind::Export, 200) => Some(self.exported().await),
            (Kind::Import, status) => self.imported(status).await,
            (Kind::Restore, status) => self.restored(status).await,
            (Kind::Get, 200) => Some(self.ask().on(&self.target().await).send().await),
            (Kind::List | Kind::Aggregate | Kind::Get, 304) => Some(self.known().await),
            (Kind::Create, 201) => Some(self.ask().json(self.new_record().await).send().await),
            (Kind::Create, 409) => self.taken().await,
            (Kind::Patch, 200) => Some(self.patch(None).await),
            (Kind::Patch, 409) => self.patched_to_taken().await,
            (Kind::Patch, 412) => Some(self.patch(Some(OTHER_TAG)).await),
            (Kind::Patch, 422) => {
                let id = self.target().await;
                Some(self.ask().on(&id).json(json!({ "no_such_member": 1 })).send().await)
            }
            (Kind::Delete, 204) => Some(self.ask().on(&self.target().await).send().await),
            (Kind::Delete, 409) => self.delete_referenced().await,
            (Kind::Delete, 412) => Some(self.ask().on(&self.target().await).with("if-match", OTHER_TAG).send().await),
            (Kind::Batch, status) => self.batch(status).await,
            _ => None,
        }
    }

    async fn target(&self) -> String {
        self.stage.target(self.operation.document.audience, self.operation.table).await
    }

    async fn new_record(&self) -> Value {
        Value::Object(self.stage.new_record(self.operation).await)
    }

    async fn costly(&self) -> Reply {
        let filter = vec![format!("id = \"{}\"", uuid::Uuid::nil()); CONDITIONS].join(" or ");
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", &filter).finish();
        self.ask().query(&query).send().await
    }

    async fn known(&self) -> Reply {
        let id = if self.operation.kind == Kind::Get { self.target().await } else { String::new() };
        let first = self.ask().on(&id).send().await;
        self.ask().on(&id).with("if-none-match", first.header("etag")).send().await
    }

    /// The same new record twice, where something of it must be unique.
    async fn taken(&self) -> Option<Reply> {
        let (stage, table) = (self.stage, self.operation.table);
        let is_named = stage.test.app.platform.schema.tables[table].key != KeyKind::Uuid;
        if !is_named && stage.unique_fields(table).is_empty() {
            return None;
        }
        let body = self.new_record().await;
        self.ask().json(body.clone()).send().await;
        Some(self.ask().json(body).send().await)
    }

    async fn patch(&self, if_match: Option<&str>) -> Reply {
        let (id, document) = (self.target().await, self.operation.document);
        let mut body = Map::new();
        if let Some((name, schema)) = easiest(document, self.operation.body().expect("a body")) {
            body.insert(name.clone(), self.stage.value(document, schema).await);
        }
        let ask = self.ask().on(&id).json(Value::Object(body));
        if_match.map_or_else(|| ask, |tag| self.ask().on(&id).json(json!({})).with("if-match", tag)).send().await
    }

    /// A second record is given the unique values of a first, where they can be changed.
    async fn patched_to_taken(&self) -> Option<Reply> {
        let (stage, table) = (self.stage, self.operation.table);
        let known = self.operation.body().expect("a body")["properties"].as_object().expect("members");
        let unique: Vec<String> =
            stage.unique_fields(table).into_iter().filter(|field| known.contains_key(field)).collect();
        if unique.is_empty() {
            return None;
        }
        let (first, second) = (stage.fresh(table).await, self.target().await);
        let path = format!("{}/{table}/{first}", super::document::prefix(Audience::Admin));
        let row = stage.boss.get(&path).await.assert(200).json;
        let body: Map<String, Value> = unique.into_iter().map(|field| (field.clone(), row[&field].clone())).collect();
        Some(self.ask().on(&second).json(Value::Object(body)).send().await)
    }

    /// A record that others link to, where such links hold it.
    async fn delete_referenced(&self) -> Option<Reply> {
        let (stage, table) = (self.stage, self.operation.table);
        let target = self.target().await;
        for create in stage.admin.operations(&stage.test).iter().filter(|operation| operation.kind == Kind::Create) {
            let members = create.body().expect("a body")["properties"].as_object().expect("members").clone();
            for (name, _) in members.iter().filter(|(_, member)| member["x-link"] == table) {
                let mut body = stage.new_record(create).await;
                body.insert(name.clone(), json!(target));
                stage.boss.post(create.path, Value::Object(body)).await.assert(201);
            }
        }
        let reply = self.ask().on(&target).send().await;
        (reply.status != 204).then_some(reply)
    }

    /// The list in each form; answers the last.
    async fn exported(&self) -> Reply {
        self.target().await;
        for form in ["csv", "ndjson"] {
            assert_eq!(self.ask().query(&format!("format={form}")).send().await.status, 200, "{form}");
        }
        self.ask().query("format=json").send().await
    }

    async fn imported(&self, status: u16) -> Option<Reply> {
        let row = self.import_row().await;
        let ask = match status {
            200 => {
                let lines = self.ask().with("accept", "application/x-ndjson").query("dry_run=true");
                assert_eq!(lines.json(json!([row])).send().await.status, 200);
                self.ask().json(json!([row]))
            }
            // In its own place, before the body is read.
            403 => self.ask().by(&self.stage.support).json(json!([])),
            408 => {
                let begun = futures::stream::once(async { Ok::<_, std::io::Error>(b"[".to_vec()) });
                let body = reqwest::Body::wrap_stream(begun.chain(futures::stream::pending()));
                let boss = self.stage.impatient_boss.with("content-length", "10");
                self.ask().by(&boss).raw("application/json", body)
            }
            413 => self.ask().json(json!(vec![row; ROWS_MAX + 1])),
            422 => self.ask().json(json!([row, { "no_such_member": 1 }])),
            _ => return None,
        };
        Some(ask.send().await)
    }

    async fn import_row(&self) -> Value {
        let (stage, table) = (self.stage, self.operation.table);
        let create = stage.operation(self.operation.document, Kind::Create, table).expect("what is imported is made");
        Value::Object(stage.new_record(&create).await)
    }

    async fn restored(&self, status: u16) -> Option<Reply> {
        let (stage, table) = (self.stage, self.operation.table);
        let id = stage.fresh(table).await;
        let path = format!("{}/{table}/{id}", super::document::prefix(Audience::Admin));
        if [201, 409, 422].contains(&status) {
            stage.boss.delete(&path).await.assert(204);
        }
        if status == 409 {
            stage.boss.post(&format!("{path}/restore"), Value::Null).await.assert(201);
        }
        if status == 422 {
            // As if the table had had other fields then.
            let key =
                format!("(SELECT VALUE target FROM audit WHERE target_table = '{table}' ORDER BY id DESC LIMIT 1)[0]");
            let row = format!("{{ at: time::now(), action: 'record.deleted', target: {key}, before: {{ old: 1 }} }}");
            stage.test.system(&format!("CREATE type::record('audit', rand::uuid::v7()) CONTENT {row}")).await;
        }
        match status {
            201 | 409 | 422 => Some(self.ask().on(&id).send().await),
            _ => None,
        }
    }

    async fn batch(&self, status: u16) -> Option<Reply> {
        let (stage, document) = (self.stage, self.operation.document);
        let create = stage.operation(document, Kind::Create, "favorites").expect("favorites are made");
        let body = stage.new_record(&create).await;
        let made = json!({ "method": "POST", "table": "favorites", "body": body });
        let id = stage.target(document.audience, "pets").await;
        let absent = uuid::Uuid::nil();
        let operations = match status {
            200 => json!([made]),
            404 => json!([{ "method": "DELETE", "table": "pets", "id": absent }]),
            409 => json!([made, made]),
            412 => json!([{ "method": "DELETE", "table": "pets", "id": id, "if_match": OTHER_TAG }]),
            _ => return None,
        };
        Some(self.ask().json(json!({ "operations": operations })).send().await)
    }
}
