// Which providers are simulated on this machine, and where: the settings say so.

import type { SimulatedProvider } from "./local-simulator.ts";
import type { Settings } from "./settings-file.ts";

/** The setting that says where a provider's API is. */
const apiAddresses: { [provider in SimulatedProvider]: string } = {
  google: "GOOGLE_API_URL",
  microsoft: "GRAPH_API_URL",
};

/** The providers whose API the settings put on a port of this machine. One that is anywhere else is real, or somebody else's affair. */
export function simulatedProviders(settings: Settings): { provider: SimulatedProvider; port: number }[] {
  return (Object.keys(apiAddresses) as SimulatedProvider[]).flatMap((provider) => {
    const address = URL.parse(settings[apiAddresses[provider]] ?? "");
    const here = address?.protocol === "http:" && ["127.0.0.1", "localhost"].includes(address.hostname);
    return here ? [{ provider, port: Number(address.port || 80) }] : [];
  });
}
