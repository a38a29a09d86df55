//! The operation that takes a file, on both listeners. poem-openapi's own forms read everything before anybody looks, without limits, so
//! the body is handed on as it comes.

use std::sync::Arc;

use futures::StreamExt;
use poem::web::Data;
use poem::{Request, RequestBody};
use poem_openapi::payload::{Json, ParsePayload, Payload};
use poem_openapi::registry::{MetaMediaType, MetaRequest};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions, OpenApi, Tags};

use super::form::Sent;
use super::model::Visibility;
use super::purposes::PURPOSES;
use super::views::UploadedFile;
use super::{Files, upload};
use crate::context::Ctx;
use crate::kernel::Error;
use crate::kernel::error::{MALFORMED, UNSUPPORTED_MEDIA_TYPE};

/// Groups of operations in the document.
#[derive(Tags)]
enum Tag {
    /// Uploads, and addresses of what was uploaded.
    Files,
}

/// The file is kept.
#[derive(ApiResponse)]
enum Uploaded {
    /// Kept.
    #[oai(status = 201)]
    File(Json<UploadedFile>),
}

/// A form with a file in it, not read yet.
pub struct UploadForm(Sent);

/// Media type of forms with files (RFC 7578).
const FORM: &str = "multipart/form-data";

impl Payload for UploadForm {
    const CONTENT_TYPE: &'static str = FORM;

    fn schema_ref() -> MetaSchemaRef {
        let one_of = |description: &'static str, names: Vec<&'static str>| {
            let enum_items = names.into_iter().map(Into::into).collect();
            let schema = MetaSchema { description: Some(description), enum_items, ..MetaSchema::new("string") };
            MetaSchemaRef::Inline(Box::new(schema))
        };
        let key = MetaSchema {
            description: Some("Key of the business in whose name."),
            ..MetaSchema::new_with_format("string", "uuid")
        };
        let file = MetaSchema {
            description: Some("What is uploaded; the last part of the form."),
            ..MetaSchema::new_with_format("string", "binary")
        };
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            required: vec!["purpose", "file"],
            properties: vec![
                (
                    "purpose",
                    one_of(
                        "What it is for; it says which types and sizes are taken.",
                        PURPOSES.iter().map(|purpose| purpose.name).collect(),
                    ),
                ),
                (
                    "visibility",
                    one_of(
                        "public: everybody may read it. private: who may read its record, or one that links to it.",
                        Visibility::ALL.map(Visibility::as_str).into(),
                    ),
                ),
                ("business", MetaSchemaRef::Inline(Box::new(key))),
                ("file", MetaSchemaRef::Inline(Box::new(file))),
            ],
            ..MetaSchema::new("object")
        }))
    }
}

impl<'a> ApiExtractor<'a> for UploadForm {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Self as Payload>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType { content_type: FORM, schema: <Self as Payload>::schema_ref() }];
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        <Self as ParsePayload>::from_request(request, body).await
    }
}

impl ParsePayload for UploadForm {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        // Who sends it is asked first of all.
        if let Some(ctx) = request.data::<Ctx>() {
            ctx.require_signed()?;
        }
        let media_type = request.content_type().unwrap_or_default();
        if !is_form(media_type) {
            return Err(Error::new(UNSUPPORTED_MEDIA_TYPE, format!("The Content-Type must be {FORM}.")).into());
        }
        let boundary = multer::parse_boundary(media_type)
            .map_err(|cause| Error::new(MALFORMED, "The Content-Type names no boundary.").caused_by(cause))?;
        Ok(Self(Sent { boundary, body: body.take()?.into_bytes_stream().boxed() }))
    }
}

/// Whether a Content-Type is that of a form with files.
pub fn is_form(media_type: &str) -> bool {
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM)
}

/// The operation that takes a file.
#[derive(Debug)]
pub struct UploadApi {
    /// Where files are.
    pub files: Arc<Files>,
}

#[OpenApi(tag = "Tag::Files")]
impl UploadApi {
    /// Upload a file
    ///
    /// A form of `purpose`, perhaps `visibility` and `business`, and last `file`. What the file is is found out from what it holds: 422 at
    /// `/file` for a type that the purpose does not take, for a picture that cannot be read or has too many pixels, and for more than one
    /// person may have. 413 for a file that is too large for its purpose. Pictures are turned upright and written anew, without what else
    /// was in them; of an animation the first frame stays. Staff who only look may not (403). A file that no record links to within a day
    /// is removed.
    #[oai(path = "/files", method = "post", operation_id = "upload_file")]
    async fn upload(&self, ctx: Data<&Ctx>, form: UploadForm) -> poem::Result<Uploaded> {
        Ok(Uploaded::File(Json(upload::upload(&ctx, &self.files, form.0).await?.into())))
    }
}
