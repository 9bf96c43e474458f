"""OSC over UDP; `cratehand.servers.osc.server.OscServer` is what others start, `addresses` describes it."""
