//! Reads the command line.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What `simulator --help` prints.
pub const USAGE: &str = "\
Servers that behave like the calendar providers, for development and tests. Never for production.

  simulator                          every provider, each on its default port
  simulator google [--port 8790]     Google: OAuth and Calendar v3
  simulator microsoft [--port 8791]  Microsoft: identity platform v2.0 and Graph v1.0

  --port N    the port on 127.0.0.1; 0 picks a free one (the line printed at start names it)

The control API is described in simulator/README.md.";

/// A provider that can be simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulated {
    /// Google OAuth and Calendar v3.
    Google,
    /// Microsoft identity platform v2.0 and Graph v1.0.
    Microsoft,
}

impl Simulated {
    /// Every provider, in the order they are started.
    pub const ALL: [Self; 2] = [Self::Google, Self::Microsoft];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Microsoft => "microsoft",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Google => 8790,
            Self::Microsoft => 8791,
        }
    }
}

/// One provider at one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerPlan {
    /// Which provider.
    pub provider: Simulated,
    /// Where it listens; port 0 means any free port.
    pub address: SocketAddr,
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Print the usage and end.
    Help,
    /// Serve these until the process is ended.
    Serve(Vec<ServerPlan>),
}

impl Command {
    /// Parses the arguments after the program's name; the error is a sentence for the user.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut provider = None;
        let mut port = None;
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "-h" | "--help" | "help" => return Ok(Self::Help),
                "--port" => {
                    let value = arguments.next().ok_or("--port needs a number")?;
                    port =
                        Some(value.parse::<u16>().map_err(|_| format!("--port {value}: not a port number"))?);
                }
                name => {
                    let found = Simulated::ALL
                        .into_iter()
                        .find(|simulated| simulated.name() == name)
                        .ok_or_else(|| format!("unknown provider or option: {name}"))?;
                    if provider.replace(found).is_some() {
                        return Err("name one provider, or none to serve them all".to_owned());
                    }
                }
            }
        }
        let at = |provider: Simulated, port: u16| ServerPlan {
            provider,
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
        };
        match (provider, port) {
            (Some(provider), port) => {
                Ok(Self::Serve(vec![at(provider, port.unwrap_or(provider.default_port()))]))
            }
            (None, Some(_)) => Err("--port needs a provider before it, such as: simulator google".to_owned()),
            (None, None) => Ok(Self::Serve(
                Simulated::ALL.into_iter().map(|provider| at(provider, provider.default_port())).collect(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn no_argument_serves_every_provider_on_its_default_port() {
        let Ok(Command::Serve(plans)) = parse("") else { panic!("expected servers") };
        assert_eq!(plans.len(), Simulated::ALL.len());
        let addresses: Vec<String> = plans.iter().map(|plan| plan.address.to_string()).collect();
        assert_eq!(addresses, ["127.0.0.1:8790", "127.0.0.1:8791"]);
    }

    #[test]
    fn a_provider_can_be_given_another_port() {
        let Ok(Command::Serve(plans)) = parse("google --port 0") else { panic!("expected a server") };
        assert_eq!(plans, [ServerPlan { provider: Simulated::Google, address: ([127, 0, 0, 1], 0).into() }]);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            ("yahoo", "yahoo"),
            ("google --port x", "x"),
            ("--port 1", "provider"),
            ("google --port", "number"),
        ] {
            assert!(parse(line).is_err_and(|message| message.contains(part)), "{line}");
        }
    }
}
