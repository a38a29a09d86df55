//! The table `services`: what the businesses do for animals.

use serde_json::json;
use uuid::Uuid;

use super::businesses::Business;
use super::ids::Ids;
use super::rows::{Row, money, row};
use super::source::Fields;

const SERVICES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/services.txt"));

/// A service, and what the favorites ask about one.
#[derive(Debug)]
pub struct Service {
    pub id: Uuid,
    /// Whether customers see it, and its business.
    pub is_visible: bool,
    pub row: Row,
}

/// All services, in the order of the file.
pub fn services(businesses: &[Business], ids: &mut Ids) -> Vec<Service> {
    Fields::lines(SERVICES, '|').filter_map(|fields| service(&fields, businesses, ids)).collect()
}

fn service(fields: &Fields, businesses: &[Business], ids: &mut Ids) -> Option<Service> {
    let number: usize = fields.number(0);
    let business = businesses.iter().find(|business| business.number == number)?;
    let is_active = fields.text(9) == "yes";
    let id = ids.next();
    let row = row(json!({
        "id": id,
        "business": business.id,
        "type": fields.text(1),
        "name": fields.text(2),
        "description": fields.text(10),
        "pricing_unit": fields.text(3),
        "base_price": money(fields.minor(4), business.place.currency),
        "duration_min": fields.number::<i64>(5),
        "species": fields.list(6),
        "max_pets": fields.number::<i64>(7),
        "requires_approval": fields.text(8) == "yes",
        "active": is_active,
    }));
    Some(Service { id, is_visible: is_active && business.is_active, row })
}
