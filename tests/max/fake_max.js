// A Max that runs one device as it was built: its boxes and cords, its script, real UDP and real HTTP.
// Speaks lines of JSON: the first one is the device, each later one a command; each is answered by one line.
"use strict";
const dgram = require("node:dgram");
const fs = require("node:fs");
const http = require("node:http");
const readline = require("node:readline");
const vm = require("node:vm");
const osc = require("./osc.js");
const {LiveSet} = require("./live_set.js");
const g = require("./globals.js");

const LARGEST_DATAGRAM = 9216;
const KNOWN = new Set(["udpreceive", "udpsend", "maxurl", "live.thisdevice", "deferlow", "prepend", "route", "message",
    "jsui", "textedit", "live.comment", "live.text", "live.menu", "live.numbox", "live.dial",
    "midiin", "midiout", "notein", "stripnote", "split", "mtof", "/", "plugin~", "plugout~", "cycle~", "noise~", "line~",
    "*~", "+~", "-~", "onepole~"]);

class FakeMax {
    constructor(start) {
        this.symbols = new g.SymbolTable();
        this.time = start.manual ? new g.ManualTime() : new g.SimulatedTime(start.speed || 1);
        this.live = new LiveSet(start.live);
        this.live.guard = (work) => this.guard(work);
        this.awake = false;
        this.errors = [];
        this.lights = [];
        this.sent = 0;
        this.faults = {};
        this.random = mulberry(start.seed || 1);
        this.sockets = [];
        this.cords = new Map();
        this.boxes = new Map();
        this.files = start.files;
        for (const {patchline} of start.patcher.lines) {
            const from = patchline.source.join(" ");
            this.cords.set(from, [...(this.cords.get(from) || []), patchline.destination]);
        }
        for (const {box} of start.patcher.boxes) this.make(box);
    }

    make(box) {
        const words = box.maxclass === "newobj" ? box.text.split(" ") : [box.maxclass];
        if (!KNOWN.has(words[0])) throw new Error(`Max has no object ${words[0]}`);
        if (this.boxes.has(box.id)) throw new Error(`two boxes ${box.id}`);
        check_parameter(box);
        const made = {box, name: words[0], args: words.slice(1)};
        this.boxes.set(box.id, made);
        if (made.name === "jsui") this.make_script(made);
        if (made.name === "udpreceive") this.listen(made, Number(made.args[0]));
        if (made.name === "udpsend") {
            made.socket = dgram.createSocket("udp4");
            made.place = [made.args[0], Number(made.args[1])];
            this.sockets.push(made.socket);
        }
    }

    make_script(made) {
        const script = this.files[made.box.filename];
        if (script === undefined) throw new Error(`${made.box.filename} is not in the device`);
        const time = this.time, guard = (work) => this.guard(work);
        class ScaledDate extends Date { constructor(...args) { if (args.length) super(...args); else super(time.now()); } }
        const pen = g.drawing();
        made.globals = {
            jsarguments: [made.box.filename, ...made.box.jsarguments], messagename: "", post() {}, error() {},
            arrayfromargs: (given) => Array.from(given), max: {version: "8.5.5"}, mgraphics: pen,
            box: {rect: [0, 0, made.box.presentation_rect[2], made.box.presentation_rect[3]]},
            outlet: g.outlet_function((number, atoms) => this.out(made, number, this.symbols.atoms(atoms))),
            Task: g.task_class(time, guard), Dict: g.dict_class(this.symbols), File: g.File, Date: ScaledDate,
            LiveAPI: g.live_api_class(this.live, this.symbols, () => this.awake),
        };
        this.Dict = made.globals.Dict;
        vm.createContext(made.globals);
        vm.runInContext(script, made.globals, {filename: made.box.filename});
        if (made.globals.inlets !== made.box.numinlets || made.globals.outlets !== made.box.numoutlets) {
            throw new Error("the script has other inlets or outlets than its box");
        }
        this.script = made;
    }

    guard(work) {
        try { return work(); } catch (error) { this.errors.push(String(error.stack || error)); return undefined; }
    }

    // Parameters send what is stored with the set, then live.thisdevice bangs.
    load(stored) {
        for (const made of this.boxes.values()) {
            const value = made.box.saved_attribute_attributes && made.box.saved_attribute_attributes.valueof;
            if (value && value.parameter_invisible !== 2) this.set(made.box.id, stored[made.box.id] ?? value.parameter_initial[0]);
        }
        this.awake = true;
        this.out(this.find("live.thisdevice"), 0, ["bang"]);
    }

    find(name) {
        return [...this.boxes.values()].find((made) => made.name === name);
    }

    set(id, value) {
        const made = this.boxes.get(id), parameter = made.box.saved_attribute_attributes.valueof;
        value = Math.max(parameter.parameter_mmin, Math.min(parameter.parameter_mmax, value));
        // Only a float keeps what is behind the point.
        if (parameter.parameter_type !== 0) value = Math.floor(value);
        made.value = value;
        this.out(made, 0, [value]);
    }

    out(made, outlet, atoms) {
        for (const [target, inlet] of this.cords.get(`${made.box.id} ${outlet}`) || []) this.into(this.boxes.get(target), inlet, atoms);
    }

    into(made, inlet, atoms) {
        switch (made.name) {
        case "deferlow": setImmediate(() => this.guard(() => this.out(made, 0, atoms))); break;
        case "message": this.out(made, 0, this.symbols.atoms(made.box.text.split(" "))); break;
        case "prepend": this.out(made, 0, this.symbols.atoms([...made.args, ...atoms.filter((atom) => atom !== "bang")])); break;
        case "route": if (atoms[0] === made.args[0]) this.out(made, 0, atoms.slice(1)); else this.out(made, 1, atoms); break;
        case "jsui": this.script_hears(made, atoms); break;
        case "udpreceive": if (atoms[0] === "port") this.listen(made, atoms[1]); break;
        case "udpsend": this.send(made, atoms); break;
        case "maxurl": this.fetch(made, atoms); break;
        case "live.numbox": case "live.menu": if (atoms[0] === "set") made.value = atoms[1]; else this.set(made.box.id, atoms[0]); break;
        default: break;
        }
    }

    script_hears(made, atoms) {
        const [name, ...rest] = atoms;
        made.globals.messagename = name;
        const hears = typeof name === "string" && typeof made.globals[name] === "function" ? made.globals[name] : made.globals.anything;
        this.guard(() => hears.apply(made.globals, rest));
    }

    listen(made, port) {
        if (made.socket) made.socket.close();
        const socket = made.socket = dgram.createSocket("udp4");
        this.sockets.push(socket);
        // A port that is taken: Max writes a line into its window, the script learns nothing.
        socket.on("error", () => { if (made.socket === socket) made.socket = null; });
        socket.on("message", (bytes) => this.heard(made, bytes));
        socket.bind(port, "127.0.0.1");
    }

    heard(made, bytes) {
        if (bytes.length > LARGEST_DATAGRAM) return;
        this.shaken(this.faults.in, () => {
            const atoms = osc.decode(bytes);
            if (atoms) this.guard(() => this.out(made, 0, this.symbols.atoms(atoms)));
        });
    }

    send(made, atoms) {
        if (atoms[0] === "port") { made.place[1] = atoms[1]; return; }
        if (atoms[0] === "host") { made.place[0] = atoms[1]; return; }
        if (made.box.id === "lights") this.lights.push(atoms);
        const bytes = osc.encode(atoms);
        if (bytes.length > 1200) throw new Error(`a datagram of ${bytes.length} bytes`);
        this.sent += 1;
        const [host, port] = made.place;
        this.shaken(made.box.id === "send" ? this.faults.out : null, () => made.socket.send(bytes, port, host));
    }

    // Lose, double or hold back a datagram, as the faults of a direction say.
    shaken(faults, deliver) {
        if (!faults || faults.pass > 0) {
            if (faults) faults.pass -= 1;
            deliver();
            return;
        }
        if (this.random() < (faults.lose || 0)) return;
        const times = this.random() < (faults.double || 0) ? 2 : 1;
        for (let time = 0; time < times; time += 1) {
            if (this.random() < (faults.hold || 0)) setTimeout(deliver, 30 * this.random());
            else deliver();
        }
    }

    fetch(made, atoms) {
        const wish = new this.Dict(atoms[1]), answer = new this.Dict(wish.get("response_dict"));
        const file = wish.get("filename_out");
        const finish = (status, error, body) => {
            answer.clear();
            answer.set("status", status);
            if (error) answer.set("error", error);
            if (body !== undefined && !file) answer.set("body", body.toString("utf8"));
            this.guard(() => this.out(made, 0, ["dictionary", answer.name]));
        };
        if (this.faults.http && this.random() < this.faults.http) { finish(0, "could not connect"); return; }
        http.get(wish.get("url"), (response) => {
            const parts = [];
            response.on("data", (part) => parts.push(part));
            response.on("end", () => {
                const body = Buffer.concat(parts);
                // Also a 404 overwrites the target, and where it can't be written the status is 200 all the same.
                if (file) try { fs.writeFileSync(file, body); } catch (unwritable) { finish(200, "can not write"); return; }
                finish(response.statusCode, "", body);
            });
        }).on("error", () => finish(0, "could not connect"));
    }

    // After the device spoke: wait until what it asked is answered, at most a quarter of a second where nobody is there.
    async settle() {
        if (this.sent === this.seen) return;
        this.seen = this.sent;
        const quiet = "link.phase === 'online' && link.missed === 0 && Object.keys(waiting).length === 0 && fetching === null";
        for (let step = 0; step < 125; step += 1) {
            if (vm.runInContext(quiet, this.script.globals)) return;
            if (vm.runInContext("link.phase !== 'online'", this.script.globals) && step > 5) return;
            await new Promise((done) => setTimeout(done, 2));
        }
    }

    command(wish) {
        switch (wish.do) {
        case "advance": return this.time.advance(wish.ms, () => this.settle());
        case "press": this.set(wish.box, 1); this.set(wish.box, 0); return null;
        case "set": this.set(wish.box, wish.value); return null;
        case "type": this.out(this.find("textedit"), 0, this.symbols.atoms(["text", wish.text])); return null;
        case "live": {
            const found = vm.runInNewContext(wish.js, {live: this.live, song: this.live.song});
            this.live.notify();
            return found;
        }
        case "script": return vm.runInContext(wish.js, this.script.globals);
        case "faults": this.faults = wish.faults; return null;
        case "symbols": return [...this.symbols.all];
        case "lights": return this.lights;
        case "errors": return this.errors;
        case "value": return this.boxes.get(wish.box).value;
        case "values": return Object.fromEntries([...this.boxes.values()].filter((made) => made.value !== undefined).map((made) => [made.box.id, made.value]));
        case "paint": {
            const pen = this.script.globals.mgraphics;
            pen.drawn.length = 0;
            this.script.globals.paint();
            return pen.drawn;
        }
        case "delete": this.guard(() => this.script.globals.notifydeleted()); return null;
        default: throw new Error(`no command ${wish.do}`);
        }
    }
}

// Live keeps whole numbers and places in a list in one byte.
function check_parameter(box) {
    if (!box.parameter_enable) return;
    const value = box.saved_attribute_attributes.valueof;
    if (value.parameter_type === 1 && (value.parameter_mmin < 0 || value.parameter_mmax > 255)) {
        throw new Error(`${box.id}: a whole number of Live is 0 to 255`);
    }
    if (value.parameter_type === 2 && value.parameter_enum.length > 256) throw new Error(`${box.id}: too many words`);
}

function mulberry(seed) {
    return () => {
        seed = seed + 0x6d2b79f5 | 0;
        let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed);
        mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
        return ((mixed ^ mixed >>> 14) >>> 0) / 4294967296;
    };
}

let max = null;
async function answer(line) {
    try {
        const wish = JSON.parse(line);
        if (max === null) {
            max = new FakeMax(wish);
            max.load(wish.stored || {});
            return {value: null};
        }
        return {value: await max.command(wish) ?? null};
    } catch (error) {
        return {error: String(error.stack || error)};
    }
}

let last = Promise.resolve();
readline.createInterface({input: process.stdin}).on("line", (line) => {
    last = last.then(() => answer(line)).then((found) => process.stdout.write(JSON.stringify(found) + "\n"));
}).on("close", () => process.exit(0));
