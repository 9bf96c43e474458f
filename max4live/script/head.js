// The one script of the Cratehand devices. ES5 only: Max's js knows no more, and one modern word stops all of it.
// Every different text that leaves this script through an outlet stays in Max's memory for ever, so few do: what is
// shown is drawn, what is large comes through a file.
autowatch = 0;
inlets = 1;
outlets = 5;

var VERSION = "1.0.0";
var PROTOCOL = 1;
var TO_DAEMON = 0, TO_PORT = 1, TO_URL = 2, TO_LIGHTS = 3, TO_CONTROLS = 4;
var BARS = [1, 2, 4, 8, 16];
var STYLES = ["house", "deephouse", "techhouse", "techno", "minimal", "trance", "disco", "electro", "breakbeat",
    "jungle", "dnb", "ukgarage", "dubstep", "trap", "drill", "hiphop", "reggae", "dancehall", "reggaeton", "rock",
    "punk", "pop", "country", "funk", "soul", "gospel", "blues", "jazz", "latin", "samba", "afrocuban", "afrobeat",
    "highlife", "neworleans", "middleeastern", "dance"];

var kind = jsarguments.length > 1 ? String(jsarguments[1]) : "audio";
var instance = "d" + Math.floor(Math.random() * 0x7fffffff).toString(16);

// What the controls say; each is stored with the set by Live. Density and swing: 0 is as the style has it, then steps.
var params = {tempo_range: 0, key_rule: 0, energy_from: 1, warp: 1, moments: 0, quiet: 0, daemon_port: 9200,
    style: 0, bars: 2, seed: 1, density: 0, swing: 0};

// What is shown.
var shown = {words: "", results: [], chosen: -1, top: 0, text: "", bad: false, progress: -1, pattern: null};

function show(text, bad) {
    shown.text = text;
    shown.bad = bad ? true : false;
    redraw();
}

function now_ms() {
    return new Date().getTime();
}
