// Tracks and stems into clip slots, warped to the beat grid that cratehand knows.
var grids = {};

function chosen_result() {
    var found = shown.results[shown.chosen];
    if (!found) {
        show("choose a track in the list first", true);
        return null;
    }
    return found;
}

function load_chosen() {
    var item = chosen_result(), path = own_track(), why;
    if (item === null) {
        return;
    }
    why = obstacle(path, "audio");
    if (why === "" && (!item.path || !item.on_this_device)) {
        why = "the file of this track is not on this computer";
    }
    if (why !== "") {
        show(why, true);
        return;
    }
    show("loading " + title_of(item));
    ask("/cratehand/track", [item.id], function (found) {
        var row = free_row([path]), fault;
        begin_step();
        fault = put_audio(path, row, item.path, grid_of(found));
        end_step();
        show(fault === "" ? title_of(item) + " is in scene " + (row + 1) : fault, fault !== "");
    });
}

function load_stems() {
    var item = chosen_result(), why, number;
    if (item === null) {
        return;
    }
    why = obstacle(own_track(), "audio");
    if (why !== "") {
        show(why, true);
        return;
    }
    number = ask("/cratehand/stems", [item.id], function (stems) {
        ask("/cratehand/track", [item.id], function (found) {
            put_stems(stems.items, grid_of(found));
        });
    });
    follow(number, "stems");
}

function put_stems(stems, grid) {
    var paths, row, each, fault = "";
    begin_step();
    paths = audio_tracks(stems.length);
    row = free_row(paths);
    for (each = 0; each < stems.length && fault === ""; each += 1) {
        fault = put_audio(paths[each], row, stems[each].path, grid);
    }
    end_step();
    show(fault === "" ? stems.length + " stems are in scene " + (row + 1) : fault, fault !== "");
}

// The own track and the audio tracks behind it; new ones at the end where there are too few.
function audio_tracks(count) {
    var number = track_number(own_track()), found = [], path;
    while (found.length < count) {
        path = "live_set tracks " + number;
        if (!at(path)) {
            at("live_set");
            cursor.call("create_audio_track", -1);
        }
        if (obstacle(path, "audio") === "") {
            found.push(path);
        }
        number += 1;
    }
    return found;
}

// Return what went wrong in words, or nothing.
function put_audio(track, row, file, grid) {
    var slot = track + " clip_slots " + row;
    if (!is_free(track, row)) {
        return "the slot in scene " + (row + 1) + " is taken";
    }
    if (!can("create_audio_clip")) {
        return "this Live can not load files for a device: it needs 12.0.5, drag the file instead";
    }
    try {
        cursor.call("create_audio_clip", file);
    } catch (refused) {
        return "Live does not load " + file + ": is the file still there?";
    }
    at(slot);
    if (Number(value("has_clip")) !== 1) {
        return "Live does not load " + file + ": is the file still there?";
    }
    at(slot + " clip");
    warp(grid);
    return "";
}

function grid_of(found) {
    var raw = found.believed.beat_grid, grid = null;
    if (raw && raw.anchors.length > 0) {
        grid = {anchors: raw.anchors, beats_per_bar: raw.beats_per_bar || 4, end_s: found.track.duration_s,
            sections: found.believed.sections || []};
        grid.offset_beats = first_downbeat(grid);
    }
    return grid;
}

// Beats of a grid before its first downbeat: Live counts from there.
function first_downbeat(grid) {
    var into = grid.anchors[0].beat_in_bar || 1;
    return into === 1 ? 0 : grid.beats_per_bar + 1 - into;
}

// Beats from the first downbeat to a time in the file.
function beat_at(grid, time_s) {
    var beats = -grid.offset_beats, at_anchor = 0, anchors = grid.anchors, span_s;
    while (at_anchor + 1 < anchors.length && anchors[at_anchor + 1].start_s <= time_s) {
        span_s = anchors[at_anchor + 1].start_s - anchors[at_anchor].start_s;
        beats += Math.round(span_s * anchors[at_anchor].tempo_bpm / 60);
        at_anchor += 1;
    }
    return beats + (time_s - anchors[at_anchor].start_s) * anchors[at_anchor].tempo_bpm / 60;
}

// Put a warp marker on every anchor of the grid and on the end; without markers or grid the file keeps its own tempo.
function warp(grid) {
    var marks, old, each;
    if (!params.warp || grid === null || !can("add_warp_marker")) {
        cursor.set("warping", 0);
        return;
    }
    cursor.set("warping", 1);
    old = markers();
    marks = [];
    for (each = 0; each < grid.anchors.length; each += 1) {
        marks.push({beat_time: beat_at(grid, grid.anchors[each].start_s), sample_time: grid.anchors[each].start_s});
    }
    if (grid.end_s > marks[marks.length - 1].sample_time) {
        marks.push({beat_time: beat_at(grid, grid.end_s), sample_time: grid.end_s});
    }
    try {
        for (each = 0; each < old.length - 1; each += 1) {
            cursor.call("remove_warp_marker", old[each].beat_time);
        }
        for (each = 0; each < marks.length; each += 1) {
            cursor.call("add_warp_marker", marks[each]);
        }
        cursor.set("start_marker", 0);
    } catch (refused) {
        cursor.set("warping", 0);
    }
}

function markers() {
    try {
        return JSON.parse(value("warp_markers")).warp_markers || [];
    } catch (none) {
        return [];
    }
}
