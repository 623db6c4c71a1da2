//! Connecting accounts: consent, codes, refreshing, and what the identity platform refuses.

use http::{
    Request,
    header::{AUTHORIZATION, HeaderValue},
};

use crate::world::{EMPTY, ORIGIN, PERSONAL, WORK, World};

#[test]
fn every_kind_of_account_signs_in_at_the_simulator() {
    let world = World::new();
    for account in [WORK, EMPTY, PERSONAL] {
        let bearer = format!("Bearer {}", world.token(account).expose());
        let request = Request::get(format!("{ORIGIN}/v1.0/me"))
            .header(AUTHORIZATION, HeaderValue::from_str(&bearer).unwrap())
            .body(bytes::Bytes::new())
            .unwrap();
        let me: serde_json::Value = serde_json::from_slice(world.send(request).body()).unwrap();
        assert_eq!(me["userPrincipalName"], account);
    }
}
