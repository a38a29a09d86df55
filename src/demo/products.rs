//! The table `products`: product lines with their variants, in the shops that carry them, at the prices of the country.

use serde_json::json;
use uuid::Uuid;

use super::businesses::Business;
use super::ids::Ids;
use super::prices::shelf;
use super::random::Random;
use super::rows::{Row, money, row};
use super::source::{Fields, minor};

const PRODUCTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/products.txt"));

/// A product, and what the favorites ask about one.
#[derive(Debug)]
pub struct Product {
    pub id: Uuid,
    pub is_active: bool,
    pub row: Row,
}

/// One variant of a line: `label=price/weight`.
struct Variant {
    number: usize,
    label: &'static str,
    price: i64,
    weight_g: i64,
}

impl Variant {
    fn parse((index, text): (usize, &'static str)) -> Option<Self> {
        let (label, numbers) = text.split_once('=')?;
        let (price, weight) = numbers.split_once('/')?;
        Some(Self { number: index + 1, label, price: minor(price), weight_g: weight.parse().ok()? })
    }
}

/// All products, shop by shop.
pub fn products(businesses: &[Business], ids: &mut Ids) -> Vec<Product> {
    let mut random = Random::for_table("products");
    let lines: Vec<Fields> = Fields::lines(PRODUCTS, '|').collect();
    let mut products: Vec<Product> = Vec::new();
    for business in businesses {
        let shop = business.number.to_string();
        for (index, line) in lines.iter().enumerate() {
            if !line.text(0).split(',').any(|number| number == shop) {
                continue;
            }
            for variant in line.list(6).into_iter().enumerate().filter_map(Variant::parse) {
                let status = status(products.len());
                let row = product(business, index + 1, line, &variant, status, ids.next(), &mut random);
                products.push(row);
            }
        }
    }
    products
}

/// A few products are not for sale, spread over the shops.
fn status(index: usize) -> &'static str {
    match (index % 33, index % 50) {
        (32, _) => "draft",
        (_, 20) => "discontinued",
        _ => "active",
    }
}

fn product(
    business: &Business,
    line: usize,
    fields: &Fields,
    variant: &Variant,
    status: &'static str,
    id: Uuid,
    random: &mut Random,
) -> Product {
    let brand = fields.text(2);
    let currency = business.place.currency;
    let price = shelf(variant.price, currency);
    let cost = price * random.between(55, 70) / 100;
    let maker: String = brand.chars().filter(char::is_ascii_alphabetic).take(3).collect();
    let row = row(json!({
        "id": id,
        "business": business.id,
        "category": fields.text(1),
        "name": format!("{brand} {}, {}", fields.text(3), variant.label),
        "sku": format!("{}-{}{line:03}-{:02}", business.code, maker.to_uppercase(), variant.number),
        "barcode": barcode(business.number, line, variant.number),
        "brand": brand,
        "description": fields.text(7),
        "species": fields.list(4),
        "price": money(price, currency),
        "cost": money(cost, currency),
        "weight_g": variant.weight_g,
        "tags": fields.list(5),
        "status": status,
    }));
    Product { id, is_active: status == "active", row }
}

/// An EAN-13 of the range for use inside a shop (GS1 prefix 20 to 29), so that it is no other maker's number.
fn barcode(shop: usize, line: usize, variant: usize) -> String {
    let digits = format!("2{shop:02}{line:05}{variant:04}");
    format!("{digits}{}", check_digit(&digits))
}

/// The check digit of GS1 after the twelve digits of an EAN-13: weights 1 and 3 in turn, up to the next ten.
fn check_digit(digits: &str) -> u32 {
    let weights = [1, 3].into_iter().cycle();
    let sum: u32 =
        digits.chars().filter_map(|digit| digit.to_digit(10)).zip(weights).map(|(digit, by)| digit * by).sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_that_of_gs1() {
        for (digits, check) in [("400638133393", 1), ("978030640615", 7)] {
            assert_eq!(check_digit(digits), check, "{digits}");
        }
        assert_eq!(barcode(1, 1, 1), "2010000100011");
    }
}
