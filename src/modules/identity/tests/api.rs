//! The operations over HTTP: statuses, shapes, cookies.

use poem::http::{HeaderValue, Method, StatusCode};
use poem::{Endpoint, EndpointExt, Request, Response, Route};
use poem_openapi::OpenApiService;
use serde_json::{Value as Json, json};

use super::*;
use crate::modules::identity::{AdminAuthApi, AuthApi, CookieNames};

/// A client of one listener, as one caller.
struct Client<E>(E);

/// A request on its way.
struct Call<'a, E> {
    endpoint: &'a E,
    request: Request,
}

/// An answer.
struct Answer(Response);

/// A client of the listener of `ctx`, as its caller.
fn client(bench: &Bench, ctx: Ctx) -> Client<impl Endpoint> {
    let identity = Arc::clone(&bench.identity);
    let route = match ctx.audience {
        Audience::Public => Route::new().nest("/", OpenApiService::new(AuthApi { identity }, "public", "1")),
        Audience::Admin => Route::new().nest("/", OpenApiService::new(AdminAuthApi { identity }, "admin", "1")),
    };
    Client(route.data(ctx))
}

impl<E: Endpoint> Client<E> {
    fn call(&self, method: Method, path: impl AsRef<str>) -> Call<'_, E> {
        let request = Request::builder().method(method).uri_str(path).finish();
        Call { endpoint: &self.0, request }
    }

    fn get(&self, path: impl AsRef<str>) -> Call<'_, E> {
        self.call(Method::GET, path)
    }

    fn post(&self, path: impl AsRef<str>) -> Call<'_, E> {
        self.call(Method::POST, path)
    }

    fn put(&self, path: impl AsRef<str>) -> Call<'_, E> {
        self.call(Method::PUT, path)
    }

    fn patch(&self, path: impl AsRef<str>) -> Call<'_, E> {
        self.call(Method::PATCH, path)
    }

    fn delete(&self, path: impl AsRef<str>) -> Call<'_, E> {
        self.call(Method::DELETE, path)
    }
}

impl<E: Endpoint> Call<'_, E> {
    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().insert(name, HeaderValue::from_str(value).expect("a header"));
        self
    }

    fn body_json(mut self, body: &Json) -> Self {
        self.request.set_body(body.to_string());
        self.header("content-type", "application/json")
    }

    async fn send(self) -> Answer {
        Answer(self.endpoint.get_response(self.request).await)
    }
}

impl Answer {
    fn assert_status(&self, expected: StatusCode) {
        assert_eq!(self.0.status(), expected);
    }

    fn assert_status_is_ok(&self) {
        self.assert_status(StatusCode::OK);
    }
}

fn cookies(answer: &Answer) -> Vec<String> {
    let headers = answer.0.headers().get_all("set-cookie");
    headers.into_iter().map(|value| value.to_str().expect("text").to_owned()).collect()
}

async fn body(response: Answer) -> Json {
    response.0.into_body().into_json().await.expect("JSON")
}

fn sign_up_body(email: &str, use_cookies: bool) -> Json {
    json!({ "email": email, "password": PASSWORD, "name": "Ann", "use_cookies": use_cookies })
}

#[test]
fn answers_have_the_promised_shape() {
    run(async {
        let bench = Bench::new().await;
        let client = client(&bench, bench.guest(Audience::Public));
        let response = client.post("/auth/signup").body_json(&sign_up_body("ann@example.com", false)).send().await;
        response.assert_status(StatusCode::CREATED);
        assert!(cookies(&response).is_empty());
        let signed_up = body(response).await;
        let keys: Vec<_> = signed_up.as_object().expect("an object").keys().cloned().collect();
        assert_eq!(keys.len(), 5);
        assert_eq!((&signed_up["token_type"], &signed_up["expires_in"]), (&json!("Bearer"), &json!(900)));
        let user = signed_up["user"].as_object().expect("an object");
        // What has no value is left out.
        let names = ["id", "email", "name", "locale", "timezone", "public_profile", "roles", "status", "created_at"];
        assert_eq!(user.len(), names.len());
        assert!(names.iter().all(|name| user.contains_key(*name)));
        assert_eq!((&user["roles"], &user["status"]), (&json!(["customer"]), &json!("active")));
        let token = json!({ "refresh_token": signed_up["refresh_token"] });
        let response = client.post("/auth/refresh").body_json(&token).send().await;
        response.assert_status_is_ok();
        assert!(body(response).await["refresh_token"].is_string());
        for path in ["/auth/me", "/auth/sessions"] {
            client.get(path).send().await.assert_status(StatusCode::UNAUTHORIZED);
        }
    });
}

#[test]
fn unknown_fields_are_refused() {
    run(async {
        let bench = Bench::new().await;
        let grant = bench.sign_up("ann@example.com").await;
        let client = client(&bench, bench.signed(&grant).await);
        for body in [json!({ "email": "b@c.co" }), json!({ "roles": ["admin"] }), json!({ "status": "active" })] {
            client.patch("/auth/me").body_json(&body).send().await.assert_status(StatusCode::BAD_REQUEST);
        }
        let body = json!({ "email": "b@c.co", "password": PASSWORD, "name": "B", "roles": ["admin"] });
        client.post("/auth/signup").body_json(&body).send().await.assert_status(StatusCode::BAD_REQUEST);
    });
}

#[test]
fn signed_in_operations_answer_as_documented() {
    run(async {
        let bench = Bench::new().await;
        let grant = bench.sign_up("ann@example.com").await;
        bench.log_in(Audience::Public, "ann@example.com", PASSWORD).await.expect("signed in");
        let client = client(&bench, bench.signed(&grant).await);
        let changed = client.patch("/auth/me").body_json(&json!({ "bio": "hi", "city": null })).send().await;
        assert_eq!(body(changed).await["bio"], json!("hi"));
        let listed = body(client.get("/auth/sessions").send().await).await;
        assert_eq!(listed["items"][1]["is_current"], json!(true));
        let path = format!("/auth/sessions/{}", listed["items"][0]["id"].as_str().expect("an id"));
        client.delete(&path).send().await.assert_status(StatusCode::NO_CONTENT);
        client.delete(&path).send().await.assert_status(StatusCode::NOT_FOUND);
        client.delete("/auth/sessions").send().await.assert_status(StatusCode::NO_CONTENT);
        let change = json!({ "current_password": PASSWORD, "new_password": "another-Secret-7" });
        client.post("/auth/password").body_json(&change).send().await.assert_status(StatusCode::NO_CONTENT);
        let response = client.post("/auth/logout").send().await;
        response.assert_status(StatusCode::NO_CONTENT);
        let cleared = cookies(&response);
        assert_eq!(cleared.len(), 3);
        assert!(cleared.iter().all(|cookie| cookie.contains("=; ") && cookie.contains("Max-Age=0")), "{cleared:?}");
    });
}

#[test]
fn browsers_get_cookies_and_no_tokens() {
    run(async {
        let bench = Bench::with(|config| config.auth.secure_cookies = true).await;
        bench.staff("sue@example.com", Role::Support).await;
        for (audience, email) in [(Audience::Public, "ann@example.com"), (Audience::Admin, "sue@example.com")] {
            if audience == Audience::Public {
                bench.sign_up(email).await;
            }
            let names = CookieNames::of(audience);
            let client = client(&bench, bench.guest(audience));
            let login = json!({ "email": email, "password": PASSWORD, "use_cookies": true });
            let response = client.post("/auth/login").body_json(&login).send().await;
            response.assert_status_is_ok();
            let set = cookies(&response);
            let body = body(response).await;
            assert!(body.get("access_token").is_none() && body.get("refresh_token").is_none());
            let of = |name: &str| set.iter().find(|text| text.starts_with(&format!("{name}="))).expect("a cookie");
            let (access, refresh, csrf) = (of(names.access), of(names.refresh), of(names.csrf));
            assert!(
                ["HttpOnly", "SameSite=Lax", "Path=/;", "Secure"].iter().all(|part| access.contains(part)),
                "{access}"
            );
            assert!(["HttpOnly", "SameSite=Strict", "Secure"].iter().all(|part| refresh.contains(part)), "{refresh}");
            assert!(refresh.contains(&format!("Path={}", names.auth_path)));
            assert!(csrf.contains("SameSite=Lax") && !csrf.contains("HttpOnly"), "{csrf}");
            let value = |text: &str| text.split(['=', ';']).nth(1).expect("a value").to_owned();
            let session = value(refresh).split('.').next().and_then(|id| Uuid::try_parse(id).ok()).expect("a session");
            assert!(bench.identity.verify_csrf(session, &value(csrf)));
            let sent = format!("other=1; {}={}", names.refresh, value(refresh));
            let response = client.post("/auth/refresh").header("cookie", &sent).send().await;
            response.assert_status_is_ok();
            assert_eq!(cookies(&response).len(), 3);
        }
    });
}

#[test]
fn administrators_act_over_http() {
    run(async {
        let bench = Bench::new().await;
        let customer = bench.sign_up("ann@example.com").await;
        let root = bench.staff("root@example.com", Role::SuperAdmin).await;
        let client = client(&bench, bench.signed(&root).await);
        let path = |end: &str| format!("/users/{}/{end}", customer.user.id);
        let suspended = client.post(path("suspend")).body_json(&json!({ "reason": "spam" })).send().await;
        assert_eq!(body(suspended).await["status"], json!("suspended"));
        client.post(path("reinstate")).send().await.assert_status_is_ok();
        let roles = client.put(path("roles")).body_json(&json!({ "roles": ["courier"] })).send().await;
        assert_eq!(body(roles).await["roles"], json!(["courier"]));
        assert_eq!(body(client.get(path("sessions")).send().await).await["items"], json!([]));
        client.delete(path("sessions")).send().await.assert_status(StatusCode::NO_CONTENT);
        let refused = client.put(path("roles")).body_json(&json!({ "roles": ["king"] })).send().await;
        refused.assert_status(StatusCode::UNPROCESSABLE_ENTITY);
    });
}
