#if os(Linux)
    import Foundation
    import Testing

    /// Rows 11 and 12 of the fault matrix: links that are slow, far, cut or gone.
    @Suite(.serialized) struct LinkTests {
        struct Link: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var fault: LinkProxy.Fault
        }

        static let links = [
            Link(testDescription: "1 Mbit/s", fault: .init(bytesPerSecond: 125_000)),
            Link(testDescription: "200 ms away", fault: .init(delay: .milliseconds(200))),
            Link(testDescription: "connections cut at random bytes", fault: .init(cutPercent: 100, cutWithin: 150_000)),
        ]

        @Test("a bad link between all processes makes a run slower, and no worker counts as lost", arguments: links)
        func badLink(_ link: Link) throws {
            let cluster = try FaultCluster(epochs: 1)
            let port = LinkProxy.freePort()
            cluster.endpoint = "tcp://127.0.0.1:\(port)"
            try cluster.startCoordinator(workers: 2)
            var proxies: [LinkProxy] = []
            defer { for proxy in proxies { proxy.stop() } }
            for name in ["a", "b"] {
                let mesh = LinkProxy.freePort()
                let control = LinkProxy(to: port, link.fault)
                let announced = LinkProxy(to: mesh, link.fault)
                proxies += [control, announced]
                try cluster.startWorker(
                    name, fault: "none", endpoint: "tcp://127.0.0.1:\(control.port)",
                    mesh: (listens: mesh, announced: announced.port))
            }
            try cluster.expectUndisturbedResult()
            #expect(proxies.allSatisfy { $0.bytes.load(ordering: .relaxed) > 1000 }, "all links were used")
            if link.fault.cutPercent > 0 {
                #expect(proxies.contains { $0.cuts.load(ordering: .relaxed) > 0 }, "a connection was cut")
            }
            #expect(cluster.counters["lost_workers"] == 0, "\(cluster.log)")
        }

        @Test("a part of a gradient that is damaged on the way enters no sum; it is asked for again")
        func damaged() throws {
            let cluster = try FaultCluster(epochs: 1)
            cluster.endpoint = "tcp://127.0.0.1:\(LinkProxy.freePort())"
            try cluster.startCoordinator(workers: 2)
            var proxies: [LinkProxy] = []
            defer { for proxy in proxies { proxy.stop() } }
            for name in ["a", "b"] {
                let mesh = LinkProxy.freePort()
                let announced = LinkProxy(to: mesh, .init(damagedFrames: 3))
                proxies.append(announced)
                try cluster.startWorker(name, fault: "none", mesh: (listens: mesh, announced: announced.port))
            }
            try cluster.expectUndisturbedResult()
            let flips = proxies.reduce(0) { $0 + $1.flips.load(ordering: .relaxed) }
            #expect(flips >= 3, "\(flips)")
            let (dropped, again) = (
                cluster.counters["dropped_messages"] ?? 0, cluster.counters["chunks_asked_again"] ?? 0
            )
            #expect(dropped >= flips && again >= flips, "\(flips): \(cluster.counters)")
            #expect(cluster.counters["lost_workers"] == 0)
        }

        static let partitions = [
            ("between two workers", "cut 1 3; cut 2 2", "heal 1 3; heal 2 2"),
            ("between the coordinator and a worker", "cut 1 1", "heal 1 1"),
            ("of half the workers from all others", "cut 1 1; cut 1 2; cut 2 3", "heal 1 1; heal 1 2; heal 2 3"),
        ]

        /// Hosts are network namespaces on a bridge: the coordinator's is 10.78.0.1, the workers' .2 and .3.
        @Test(
            "a network that is divided for five seconds divides no run: one generation commits", arguments: partitions)
        func partition(what: String, cut: String, heal: String) throws {
            let cluster = try FaultCluster(epochs: 10)
            let expected = try Reference.digest(cluster.options)
            let script = """
                set -euo pipefail
                ostr=$0
                ip link set lo up
                ip link add switch type bridge
                ip addr add 10.78.0.1/24 dev switch
                ip link set switch up
                pids=()
                for host in 1 2; do
                    unshare --net sleep infinity &
                    pids[host]=$!
                    while [[ $(readlink "/proc/${pids[host]}/ns/net") == "$(readlink /proc/self/ns/net)" ]]; do :; done
                    ip link add "cable$host" type veth peer name eth0 netns "${pids[host]}"
                    ip link set "cable$host" master switch up
                    nsenter --net="/proc/${pids[host]}/ns/net" bash -c "
                        ip link set lo up; ip addr add 10.78.0.$((host + 1))/24 dev eth0; ip link set eth0 up"
                done
                # cut HOST ADDRESS: what that host sends to the address is lost
                cut() { nsenter --net="/proc/${pids[$1]}/ns/net" ip route add blackhole "10.78.0.$2/32"; }
                heal() { nsenter --net="/proc/${pids[$1]}/ns/net" ip route del blackhole "10.78.0.$2/32"; }
                "$ostr" coordinator --bind tcp://10.78.0.1:7201 --workers 2 --insecure --output run "$@" &
                coordinator=$!
                for host in 1 2; do
                    nsenter --net="/proc/${pids[host]}/ns/net" "$ostr" worker --connect tcp://10.78.0.1:7201 --insecure \
                        --name "host-$host" --data "\(cluster.data)" &
                done
                until (($(grep -c '"event":"half_step"' run/log.jsonl 2>/dev/null || true) >= 5)); do sleep 0.05; done
                \(cut)
                sleep 5
                \(heal)
                echo "the network was divided"
                wait $coordinator
                """
            let process = try cluster.runScript(
                script, namespaces: ["--net", "--mount-proc", "--pid", "--fork", "--kill-child"])
            #expect(process.status(within: 150) == 0, "\(process.output)")
            #expect(process.output.contains("the network was divided"))
            #expect(cluster.summary["digest"] as? String == expected, "\(process.output)")
            let numbers = cluster.events("generation_began").compactMap { $0["generation"] as? Int }
            #expect(
                numbers == numbers.sorted() && Set(numbers).count == numbers.count && numbers.count > 1, "\(numbers)")
            let halfSteps = cluster.events("half_step").compactMap { $0["half_step"] as? Int }
            #expect(halfSteps == Array(0..<halfSteps.count), "each half-step is recorded once, in order")
        }
    }
#endif
