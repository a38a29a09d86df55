//! The operation that gives the address of a file, on both listeners.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{OpenApi, Tags};

use super::views::FileAddress;
use super::{Files, addresses};
use crate::context::Ctx;

/// Groups of operations in the document.
#[derive(Tags)]
enum Tag {
    /// Uploads, and addresses of what was uploaded.
    Files,
}

/// The operation that gives the address of a file.
#[derive(Debug)]
pub struct FilesApi {
    /// Where files are.
    pub files: Arc<Files>,
}

#[OpenApi(tag = "Tag::Files")]
impl FilesApi {
    /// Address of a file
    ///
    /// For who may read the file's record, or a record that links to it. That of a private file is signed and works for anybody until
    /// `expires_at`; that of a public one works always. With `&thumb=320x240` (`?thumb=` for a public one) a picture comes in a size that
    /// fits.
    #[oai(path = "/files/:id/url", method = "get", operation_id = "get_file_url")]
    async fn address(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the file.
        id: Path<String>,
    ) -> poem::Result<Json<FileAddress>> {
        Ok(Json(addresses::of_file(&ctx, &self.files, &id.0).await?.into()))
    }
}
