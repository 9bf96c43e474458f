// Find tracks: by words, by what is playing, by the tempo and key of the set.
var LIMIT = 40;
var PITCHES = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];

function title_of(item) {
    return item.title || String(item.path || item.id).replace(/^.*[\/\\]/, "");
}

function set_key() {
    var scale = String(song("scale_name"));
    if (scale !== "Major" && scale !== "Minor") {
        return "";
    }
    return PITCHES[Number(song("root_note")) % 12] + " " + scale.toLowerCase();
}

function tempo_bounds() {
    var tempo = Number(song("tempo"));
    if (params.tempo_range <= 0) {
        return [0, 0];
    }
    return [tempo * (1 - params.tempo_range / 100), tempo * (1 + params.tempo_range / 100)];
}

function find_words() {
    var bounds = tempo_bounds();
    ask("/cratehand/find", [shown.words, bounds[0], bounds[1], params.key_rule > 0 ? set_key() : "",
        params.key_rule === 2 ? 1 : 0, params.energy_from, LIMIT], show_results);
}

function find_like() {
    var file = playing_file();
    if (file === "") {
        find_mixing();
        return;
    }
    ask("/cratehand/similar", [file, LIMIT], show_results, function (code, text) {
        if (code === "not_found") {
            // cratehand does not know the clip's file: the set says what would go with it.
            find_mixing();
        } else {
            show(text, true);
        }
    });
}

function find_mixing() {
    ask("/cratehand/matching", [Number(song("tempo")), set_key(), LIMIT], show_results);
}

// The file of the clip that plays on this track, else of the one that is looked at; empty where there is none.
function playing_file() {
    var path = own_track(), row;
    if (track_number(path) >= 0 && at(path)) {
        row = Number(value("playing_slot_index"));
        if (row >= 0 && at(path + " clip_slots " + row + " clip") && Number(value("is_audio_clip")) === 1) {
            return String(value("file_path"));
        }
    }
    if (at("live_set view detail_clip") && Number(value("is_audio_clip")) === 1) {
        return String(value("file_path"));
    }
    return "";
}

function show_results(found) {
    shown.results = found.items;
    shown.chosen = found.items.length > 0 ? 0 : -1;
    shown.top = 0;
    show(found.items.length === 0 ? "nothing found" : found.items.length + " tracks");
}

function analyse_chosen() {
    var item = chosen_result();
    if (item !== null) {
        follow(ask("/cratehand/analyse", [item.id]), "analysis");
    }
}
