//! Three servers that hold a stream together.

use serde_json::{Value, json};

use test_support::{
    nats::{Broker, server::free_address},
    wait::until,
};

use super::world::World;

/// A cluster; programs reach it by its first server.
pub(crate) struct Cluster {
    pub(crate) world: World,
    others: Vec<Broker>,
}

impl Cluster {
    /// Starts three servers with a stream on all of them that is led by none but the first.
    pub(crate) fn new() -> Self {
        let routes: Vec<String> = (0..3)
            .map(|_| format!("nats://{}", free_address()))
            .collect();
        let all = routes.join(",");
        let start = |(index, route): (usize, &String)| {
            let name = format!("n{index}");
            let named = ["-n", &name, "--cluster_name", "C"];
            let joined = ["--cluster", route, "--routes", &all];
            Broker::start_with(&[named, joined].concat())
        };
        let mut brokers: Vec<Broker> = routes.iter().enumerate().map(start).collect();
        let world = World::on(brokers.remove(0));
        let cluster = Self {
            world,
            others: brokers,
        };
        cluster.make_stream();
        cluster.move_leader();
        cluster
    }

    fn make_stream(&self) {
        let subjects = ["SHOP.>", "_pf.in.SHOP.>"];
        let config = json!({"name": "SHOP", "subjects": subjects, "num_replicas": 3, "storage": "file",
            "allow_direct": true, "allow_atomic": true, "allow_msg_schedules": true});
        let raw = &self.world.raw;
        until("the cluster makes a stream", || {
            raw.ask_once("STREAM.CREATE.SHOP", &config).is_some()
        });
        until("all replicas are up to date", || {
            let info = raw.ask_once("STREAM.INFO.SHOP", &json!({}));
            let replicas = info
                .as_ref()
                .and_then(|info| info.pointer("/cluster/replicas"));
            let replicas = replicas.and_then(Value::as_array);
            replicas
                .is_some_and(|all| all.len() == 2 && all.iter().all(|one| one["current"] == true))
        });
    }

    /// Lets another server than the first lead the stream.
    pub(crate) fn move_leader(&self) {
        let raw = &self.world.raw;
        until("another server leads", || {
            if self.leader().is_some() {
                return true;
            }
            let _ = raw.ask_once("STREAM.LEADER.STEPDOWN.SHOP", &json!({}));
            false
        });
    }

    /// Returns the server that leads the stream, if it is not the first.
    fn leader(&self) -> Option<&Broker> {
        let info = self.world.raw.ask_once("STREAM.INFO.SHOP", &json!({}))?;
        let name = info.pointer("/cluster/leader")?.as_str()?;
        let index: usize = name.strip_prefix('n')?.parse().ok()?;
        self.others.get(index.checked_sub(1)?)
    }

    /// Ends the leader of the stream as a crash would.
    pub(crate) fn kill_leader(&self) {
        self.leader().expect("it is none but the first").kill();
    }

    /// Ends one that neither leads nor is the first as a crash would.
    pub(crate) fn kill_follower(&self) {
        self.follower().kill();
    }

    /// Starts it again.
    pub(crate) fn restart_follower(&self) {
        self.follower().restart();
    }

    fn follower(&self) -> &Broker {
        let leader = self.leader().expect("it is none but the first").address();
        let mut others = self.others.iter();
        let follower = others.find(|other| other.address() != leader);
        follower.expect("there are two")
    }

    /// Ends all but the first as a crash would: nobody can lead then.
    pub(crate) fn kill_most(&self) {
        self.others.iter().for_each(Broker::kill);
    }

    /// Starts those again.
    pub(crate) fn restart_most(&self) {
        self.others.iter().for_each(|other| {
            other.kill();
            other.restart();
        });
    }
}
