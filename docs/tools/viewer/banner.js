// three.js' own licence travels with the bundle.
import { readFileSync } from "node:fs";
const at = (name) => new URL(`node_modules/three/${name}`, import.meta.url);
const { version } = JSON.parse(readFileSync(at("package.json"), "utf8"));
const licence = readFileSync(at("LICENSE"), "utf8").trim();
console.log(`/* three.js ${version}, bundled by docs/tools/viewer (npm install && npm run build).\n\n${licence} */`);
