//! Pictures through the whole server: upright, without their place, within limits, and made smaller once.

use std::collections::BTreeSet;

use image::{DynamicImage, ImageFormat};
use serde_json::json;

use crate::support::client::Reply;
use crate::support::files::{PDF, picture};
use crate::support::{TestApp, run, settings};

fn decoded(reply: &Reply) -> DynamicImage {
    image::load_from_memory(&reply.bytes).expect("a picture")
}

/// A JPEG that says it is to be turned by a quarter, and where it was taken.
fn phone_photo(width: u32, height: u32) -> Vec<u8> {
    let jpeg = picture(width, height, ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    exif.extend(b"GPS 52.5200 13.4050");
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn a_photo_of_a_phone_is_upright_and_says_nothing_of_its_place() {
    run(async {
        let test = TestApp::start().await;
        let owner = test.customer().await;
        let made = owner.upload("pet_photo", "IMG_1.JPG", &phone_photo(400, 200)).await.assert(201);
        assert_eq!((&made.json["width"], &made.json["height"]), (&json!(200), &json!(400)));
        let sent = owner.get(&made.url()).await.assert(200);
        let image = decoded(&sent).to_rgb8();
        assert_eq!(image.dimensions(), (200, 400));
        assert!(image.get_pixel(20, 200)[2] > 150 && image.get_pixel(180, 200)[0] > 150, "turned clockwise");
        for trace in [&b"Exif"[..], b"GPS"] {
            assert!(!sent.bytes.windows(trace.len()).any(|part| part == trace), "{trace:?}");
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &sent.bytes);
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&made.json["sha256"], &made.json["size"]), (&json!(hex), &json!(sent.bytes.len())));
    });
}

#[test]
fn pictures_have_a_limit_of_pixels_however_small_the_file() {
    run(async {
        let mut config = settings();
        config.files.picture_megapixels = 1;
        let test = TestApp::with(config).await;
        let owner = test.customer().await;
        let flat = picture(3000, 3000, ImageFormat::Png);
        assert!(flat.len() < 200_000, "a small file: {}", flat.len());
        let refused = owner.upload("pet_photo", "flat.png", &flat).await.assert_error(422, "validation_failed");
        assert!(refused.text.contains("more than 1 megapixels"), "{}", refused.text);
        refused.assert_fields(&["/file"]);
        owner.upload("pet_photo", "flat.png", &picture(1000, 1000, ImageFormat::Png)).await.assert(201);
    });
}

#[test]
fn smaller_pictures_fit_their_box_and_are_made_once() {
    run(async {
        let test = TestApp::start().await;
        let owner = test.customer().await;
        let url =
            owner.upload("product_photo", "a.jpg", &picture(2000, 1000, ImageFormat::Jpeg)).await.assert(201).url();
        let (guest, files) = (test.guest(), &test.app.modules.files);
        let whole = guest.get(&url).await.assert(200);
        let small = guest.get(&format!("{url}?thumb=320x320")).await.assert(200);
        assert_eq!((decoded(&small).width(), decoded(&small).height()), (320, 160));
        assert!(small.bytes.len() < whole.bytes.len() && small.header("etag") != whole.header("etag"));
        assert_eq!((small.header("content-type"), files.thumbnails_made()), ("image/jpeg", 1));
        // The same size by another box, by a range and by ETag is the same picture.
        for thumb in ["300x300", "320x640", "161x161"] {
            let again = guest.get(&format!("{url}?thumb={thumb}")).await.assert(200);
            assert_eq!(again.bytes, small.bytes, "{thumb}");
        }
        let part = guest.with("range", "bytes=0-9").get(&format!("{url}?thumb=320x320")).await.assert(206);
        assert_eq!(part.bytes, small.bytes[..10]);
        let known = guest.with("if-none-match", small.header("etag"));
        known.get(&format!("{url}?thumb=320x320")).await.assert(304);
        assert_eq!(files.thumbnails_made(), 1);
        // Two at once make one.
        let path = format!("{url}?thumb=640x640");
        let replies = futures::future::join_all((0..8).map(|_| guest.get(&path))).await;
        assert!(replies.iter().all(|reply| reply.status == 200 && reply.bytes == replies[0].bytes));
        assert_eq!(files.thumbnails_made(), 2);
        // A picture is never made larger.
        let large = guest.get(&format!("{url}?thumb=9999x9999")).await.assert(200);
        assert_eq!(decoded(&large).width(), 1280);
        let tiny = owner.upload("product_photo", "a.png", &picture(10, 10, ImageFormat::Png)).await.assert(201).url();
        assert_eq!(decoded(&guest.get(&format!("{tiny}?thumb=320x320")).await.assert(200)).width(), 10);
        assert_eq!(files.thumbnails_made(), 3);
    });
}

#[test]
fn nobody_fills_the_store_with_sizes() {
    run(async {
        let test = TestApp::start().await;
        let owner = test.customer().await;
        let url =
            owner.upload("product_photo", "a.png", &picture(1500, 1400, ImageFormat::Png)).await.assert(201).url();
        let mut sizes = BTreeSet::new();
        for width in (1..2000).step_by(190) {
            for height in (1..2000).step_by(210) {
                let reply = test.guest().get(&format!("{url}?thumb={width}x{height}")).await.assert(200);
                sizes.insert((decoded(&reply).width(), decoded(&reply).height()));
            }
        }
        assert!(sizes.len() <= 10, "{sizes:?}");
        assert_eq!(test.app.modules.files.thumbnails_made(), sizes.len() as u64);
    });
}

#[test]
fn a_size_is_a_size_of_a_picture() {
    run(async {
        let test = TestApp::start().await;
        let owner = test.customer().await;
        let url = owner.upload("product_photo", "a.png", &picture(9, 9, ImageFormat::Png)).await.assert(201).url();
        for thumb in ["", "320", "0x0", "x", "320x320x1", "-1x5", "20000x1"] {
            let refused = test.guest().get(&format!("{url}?thumb={thumb}")).await.assert_error(400, "invalid_query");
            refused.assert_fields(&["?thumb"]);
        }
        test.guest().get(&format!("{url}?thumb=80x80&thumb=80x80")).await.assert_error(400, "invalid_query");
        let pdf = owner.upload("document", "a.pdf", PDF).await.assert(201).url();
        owner.get(&format!("{pdf}?thumb=80x80")).await.assert_error(400, "invalid_query");
    });
}
