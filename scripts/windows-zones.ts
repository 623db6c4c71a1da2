// Writes src/domain/windows_zones.txt anew: which IANA zones each Windows time zone stands for, as the Unicode CLDR says.
//
//   npm pack cldr-core cldr-bcp47              and unpack both
//   node scripts/run.mjs windows-zones cldr-core/supplemental/windowsZones.json cldr-bcp47/bcp47/timezone.json
//
// CLDR maps each zone under the name that was current when CLDR first saw it (Asia/Calcutta). The table has all names of
// a zone, today's first.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "./setup/locations.mjs";

interface WindowsZones {
  supplemental: {
    version: { _cldrVersion: string };
    windowsZones: { mapTimezones: { mapZone: { _other: string; _type: string; _territory: string } }[] };
  };
}

interface ZoneNames {
  keyword: { u: { tz: Record<string, string | { _alias?: string; _iana?: string }> } };
}

const [windowsZonesFile, zoneNamesFile] = process.argv.slice(2);
if (windowsZonesFile === undefined || zoneNamesFile === undefined) {
  throw new Error("usage: node scripts/run.mjs windows-zones windowsZones.json timezone.json");
}
const { supplemental }: WindowsZones = JSON.parse(readFileSync(windowsZonesFile, "utf8"));
const { keyword }: ZoneNames = JSON.parse(readFileSync(zoneNamesFile, "utf8"));

const names = new Map<string, string[]>();
for (const zone of Object.values(keyword.u.tz)) {
  if (typeof zone === "string" || zone._alias === undefined) continue;
  const aliases = zone._alias.split(" ");
  const all = [...new Set([zone._iana ?? aliases[0] ?? "", ...aliases])];
  for (const alias of aliases) names.set(alias, all);
}

const table = new Map<string, Set<string>>();
// Territory 001, the world, has the zone that stands for the others, and comes first.
const zones = supplemental.windowsZones.mapTimezones.map((entry) => entry.mapZone);
for (const world of [true, false]) {
  for (const zone of zones.filter((zone) => (zone._territory === "001") === world)) {
    const row = table.get(zone._other) ?? new Set();
    for (const name of zone._type.trim().split(/ +/)) for (const alias of names.get(name) ?? [name]) row.add(alias);
    table.set(zone._other, row);
  }
}

const rows = [...table].sort(([one], [other]) => (one < other ? -1 : 1));
const heading = `# CLDR ${supplemental.version._cldrVersion}, windowsZones. Copyright Unicode, Inc., Unicode License v3. Written by scripts/windows-zones.ts.`;
const lines = rows.map(([windows, iana]) => `${windows}=${[...iana].join(" ")}`);
writeFileSync(join(projectRoot, "src/domain/windows_zones.txt"), `${[heading, ...lines].join("\n")}\n`);
