// A SCIM server made of scimmy and express, with its resources in memory: `node scimmy.cjs PORT TOKEN`. What is SCIM about it is scimmy's.
"use strict";
const { randomUUID } = require("node:crypto");
const express = require("express");
const { default: SCIMMY = require("scimmy") } = require("scimmy");
const { default: Routers = require("scimmy-routers") } = require("scimmy-routers");

const [port, token] = process.argv.slice(2);

/** Handlers that keep the resources of one type; the value of `unique` may occur once, whatever its case. */
function inMemory(unique) {
  const kept = new Map();
  const there = (id) => {
    if (!kept.has(id)) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
    return kept.get(id);
  };
  return {
    egress: ({ id, filter }) => (id ? there(id) : filter ? filter.match([...kept.values()]) : [...kept.values()]),
    ingress: ({ id }, data) => {
      const before = id && there(id);
      const same = (other) => other.id !== id && other[unique]?.toLowerCase() === data[unique]?.toLowerCase();
      if ([...kept.values()].some(same)) throw new SCIMMY.Types.Error(409, "uniqueness", `${unique} is taken`);
      const now = new Date().toISOString();
      const meta = { created: before?.meta.created ?? now, lastModified: now };
      const resource = { ...JSON.parse(JSON.stringify(data)), id: id ?? randomUUID(), meta };
      kept.set(resource.id, resource);
      return resource;
    },
    degress: ({ id }) => void (there(id), kept.delete(id)),
  };
}

SCIMMY.Resources.declare(SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false), inMemory("userName"));
SCIMMY.Resources.declare(SCIMMY.Resources.Group, inMemory("displayName"));
SCIMMY.Config.set({ patch: true, filter: true, bulk: { supported: true, maxOperations: 50, maxPayloadSize: 1 << 20 } });

const handler = (request) => {
  if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("not authorized");
  return "";
};
const app = express();
// scimmy pages by startIndex and count only where they are numbers, and a query has texts: by itself it would send the first twenty resources for ever.
const number = (text) => (/^\d+$/.test(text) ? Number(text) : text);
app.set("query parser", (query) => Object.fromEntries([...new URLSearchParams(query)].map(([name, text]) => [name, number(text)])));
app.use((request, response, next) => {
  response.on("finish", () => console.log(`${request.method} ${request.originalUrl} ${response.statusCode}`));
  next();
});
app.use("/v2", new Routers({ type: "bearer", handler }));
app.listen(Number(port), "127.0.0.1").on("error", (error) => {
  console.error(error.code === "EADDRINUSE" ? "the port is in use" : error);
  process.exit(1);
});
