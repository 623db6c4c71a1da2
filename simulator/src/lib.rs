//! Development-only servers that behave like the calendar providers, with faults on demand.
//!
//! Each provider is a folder that implements [`control::provider::Provider`]; everything in `control` is shared.

pub mod command_line;
pub mod control;
pub mod google;
pub mod microsoft;

use std::io;
use std::sync::Arc;

use command_line::{ServerPlan, Simulated};
use tokio::net::TcpListener;

/// Serves every planned provider until the process ends; an address that is taken is an error.
pub async fn serve_all(plans: Vec<ServerPlan>) -> Result<(), String> {
    let mut servers = tokio::task::JoinSet::new();
    for plan in plans {
        let name = plan.provider.name();
        let listener = TcpListener::bind(plan.address)
            .await
            .map_err(|error| format!("{name}: cannot listen on {}: {error}", plan.address))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        servers.spawn(serve(plan.provider, listener));
        println!("{name} simulator: http://{address}");
    }
    while let Some(ended) = servers.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error.to_string()),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}

async fn serve(provider: Simulated, listener: TcpListener) -> io::Result<()> {
    match provider {
        Simulated::Google => control::server::serve(Arc::new(google::Google::seeded()), listener).await,
        Simulated::Microsoft => {
            control::server::serve(Arc::new(microsoft::Microsoft::seeded()), listener).await
        }
    }
}
