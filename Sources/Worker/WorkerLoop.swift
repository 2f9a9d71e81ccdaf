import Foundation
import Logging
import Protocol
import Search
import Transport

/// A worker's I/O thread: it owns all sockets and drives the state machines, between the compute thread, the coordinator
/// and the other workers.
final class WorkerLoop {
    private let options: WorkerOptions
    let logger = Logger(label: "ostr.worker")
    let key = UInt64.random(in: 1 ... .max)
    let events: Mailbox<ComputeEvent>
    let compute: ComputeThread
    let control: MessagingSocket
    let mesh: Mesh
    var machine: WorkerMachine
    /// What ended the computation here, with its kind.
    var failure: WorkerError?
    var buffer = GradientBuffer(capacity: 0)
    var largestGradient = 0
    var end: WorkerMachine.End?

    init(options: WorkerOptions, loadDataset: @escaping WorkerProcess.DatasetLoader) throws(WorkerError) {
        self.options = options
        do throws(TransportError) {
            let endpoint = try Endpoint(options.coordinator)
            try endpoint.require(insecure: options.insecure)
            let context = try MessagingContext()
            events = try Mailbox()
            compute = ComputeThread(events: events, loadDataset: loadDataset, standIn: options.standIn)
            mesh = try Mesh(context, at: try WorkerLoop.meshAddress(options, coordinator: endpoint, key: key))
            var configuration = SocketConfiguration(.dealer)
            configuration.onlyConnected = true
            control = try MessagingSocket(context, configuration)
            try control.connect(endpoint)
        } catch {
            throw .transport(error.description)
        }
        let process = ProcessInfo.processInfo
        let host = process.hostName
        let hello = Hello(
            build: Build.version, name: options.name ?? "\(host)-\(process.processIdentifier)", host: host,
            pid: Int(process.processIdentifier), numericDigest: NumericDigest.compute(),
            meshEndpoint: mesh.endpoint.description)
        machine = WorkerMachine(
            hello: hello,
            timeouts: .init(connect: options.connectTimeout, silence: options.silenceTimeout),
            at: MonotonicClock.now)
    }

    /// Beside the coordinator's socket file, or on the address that leads to it.
    private static func meshAddress(
        _ options: WorkerOptions, coordinator: Endpoint, key: UInt64
    ) throws(TransportError) -> Endpoint {
        if let endpoint = options.meshEndpoint {
            let endpoint = try Endpoint(endpoint)
            try endpoint.require(insecure: options.insecure)
            return endpoint
        }
        switch coordinator.kind {
        case .ipc(let path):
            let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
            return try Endpoint("ipc://\(folder)m\(String(key, radix: 36))")
        case .tcp(let host, let port):
            guard let address = Endpoint.localAddress(toward: host, port: port) else {
                throw .cannotResolve(coordinator.description)
            }
            return try Endpoint("tcp://\(address):*")
        }
    }

    func run() throws(WorkerError) {
        do throws(TransportError) {
            compute.start()
            defer { compute.post(.stop) }
            try loop()
        } catch {
            throw .transport(error.description)
        }
        switch end {
        case .finished, nil: break
        case .runEnded(let reason): throw failure ?? .runEnded(reason)
        case .refused(let reason): throw .refused(reason)
        case .noCoordinator:
            throw .noCoordinator(endpoint: options.coordinator, seconds: options.connectTimeout.inSeconds)
        case .coordinatorGone:
            throw .coordinatorGone(endpoint: options.coordinator, seconds: options.silenceTimeout.inSeconds)
        case .failed(let reason): throw failure ?? .computation(reason)
        }
        if let failure { throw failure }
    }

    private func loop() throws(TransportError) {
        let signals = options.handlesSignals ? try StopSignals() : nil
        var poller = Poller()
        let atControl = poller.add(control)
        let atEvents = poller.add(descriptor: events.descriptor)
        let atSignals = signals.map { poller.add(descriptor: $0.descriptor) }
        let atInput = options.endsWithStandardInput ? poller.add(descriptor: 0) : nil
        // Added once it is joined: messages that come before wait in the socket.
        var atMesh: Int?
        while end == nil {
            if mesh.isJoined, atMesh == nil { atMesh = poller.add(mesh.inbox) }
            var deadline = machine.deadline
            if let other = mesh.deadline { deadline = min(deadline, other) }
            try poller.wait(max(deadline - MonotonicClock.now, .zero))
            let now = MonotonicClock.now
            if poller.isReady(atEvents) {
                for event in events.drain() { try take(event, at: now) }
            }
            if let atMesh, poller.isReady(atMesh) {
                for outcome in try mesh.receive(run: machine.run, at: now) { try take(outcome) }
            }
            if poller.isReady(atControl) { try receiveControl(at: now) }
            if let atInput, poller.isReady(atInput), isInputClosed() { return stop(.launcherGone) }
            if let atSignals, poller.isReady(atSignals), let signal = signals?.received {
                try perform([.send(.leave(reason: "it was interrupted by signal \(signal)"))])
                return stop(.interrupted(signal: signal))
            }
            if let other = mesh.deadline, now >= other { try mesh.tick(run: machine.run, at: now) }
            try perform(machine.tick(at: now))
        }
    }

    private func stop(_ error: WorkerError) {
        failure = error
        end = .runEnded(reason: "")
    }

    private func isInputClosed() -> Bool {
        var bytes: (UInt64, UInt64) = (0, 0)
        return read(0, &bytes, 16) <= 0
    }

    private func receiveControl(at now: Duration) throws(TransportError) {
        while let frames = try control.receive() {
            let decoded: Result<ControlEnvelope, ProtocolError>
            do throws(ProtocolError) {
                decoded = .success(try ControlCodec.decode(frames))
            } catch {
                decoded = .failure(error)
            }
            switch decoded {
            case .success(let envelope):
                if envelope.worker == key { try perform(machine.receive(envelope, at: now)) }
            case .failure(let error):
                logger.warning("a message from the coordinator was refused: \(error)")
                try perform(machine.receiveInvalid(error))
            }
        }
    }
}
