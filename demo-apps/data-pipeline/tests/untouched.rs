//! What is told of the pipeline from outside, when nothing of stallscope is in it and its sensors keep it busy.
#![cfg(target_os = "linux")]

use demo_support::{Demo, Kind, awaits};

const PIPELINE: Demo = Demo {
    program: env!("CARGO_BIN_EXE_data-pipeline"),
    ready: " sensors into ",
};

const SENSORS: usize = 6;

/// Its tasks with so many sensors.
fn tasks() -> [Kind; 6] {
    let some = |count, function, awaits| Kind {
        function,
        count: count..=count,
        detached: false,
        awaits,
    };
    [
        // The writer.
        some(
            1,
            "data_pipeline::pipeline::{impl#0}::start",
            awaits!(
                "src/writer.rs",
                "pace.tick().await",
                "recv_many(&mut gathered",
                "        .await",
                "surveyed.await",
            ),
        ),
        some(
            4,
            "data_pipeline::consumer::run",
            awaits!(
                "src/consumer.rs",
                "lane.recv_many(&mut inbox, BATCH).await",
                "writer.send(rows).await",
            ),
        ),
        some(
            SENSORS,
            "data_pipeline::producer::run",
            [
                awaits!(
                    "src/producer.rs",
                    "stopping.run_until_cancelled(pace.tick()).await",
                    "                .await",
                ),
                awaits!(
                    "src/calibration.rs",
                    "sleep(DRIVE).await",
                    "File::open(&self.path).await",
                    "table.seek(SeekFrom::Start(at as u64)).await",
                    "table.read_f64_le().await",
                    "self.0.known.lock().await",
                ),
                awaits!("src/period.rs", "self.0.send(celsius).await"),
            ]
            .concat(),
        ),
        some(
            1,
            "data_pipeline::disk::guard",
            [
                awaits!("src/disk.rs", "pace.tick().await", "df.output()).await"),
                awaits!("src/forecast.rs", ".lock().await"),
            ]
            .concat(),
        ),
        // The meter.
        some(
            1,
            "data_pipeline::app::run",
            awaits!(
                "src/forecast.rs",
                "sleep(MEASURED_FOR).await",
                "timeout(PATIENCE, self.room.lock()).await",
                ".lock().await",
            ),
        ),
        // One for each sensor, from one calibration to the next. Who spawned it keeps no handle, only the channel.
        Kind {
            detached: true,
            ..some(
                SENSORS,
                "data_pipeline::period::consume",
                awaits!(
                    "src/period.rs",
                    "while let Some(celsius) = readings.recv().await",
                    "let first = readings.recv().await",
                ),
            )
        },
    ]
}

#[test]
#[ignore = "builds the demo anew: cargo xtask attach-demos"]
fn every_task_is_told_with_the_line_it_hangs_in_and_whether_it_is_detached() {
    let (session, _) = PIPELINE.start_untouched(&["--load", &SENSORS.to_string()]);
    session.expect_tasks(&tasks());
    session.expect_no_thread_of_stallscope();
}

#[test]
#[ignore = "builds the demo anew: cargo xtask attach-demos"]
fn a_stack_goes_down_to_the_innermost_await_with_the_values_of_its_locals() {
    let (session, _) = PIPELINE.start_untouched(&["--load", &SENSORS.to_string()]);
    let rests = &awaits!("src/producer.rs", "run_until_cancelled(pace.tick()).await")[0];
    // The last sensor, once it is calibrated: by how much it is off stands in the table that the pipeline has written itself.
    let sensor = SENSORS - 1;
    let off_by = format!("{:?}", (sensor % 11) as f64 / 10.0 - 0.5);
    session.expect_stack("data_pipeline::producer::run", rests, |stack| {
        let locals = &stack.frame("data_pipeline::producer::run").locals;
        let is_it = locals["sensor"] == sensor.to_string();
        (is_it && locals["off_by"] == off_by).then_some(())
    });

    let measures = &awaits!("src/forecast.rs", "sleep(MEASURED_FOR).await")[0];
    session.expect_stack("data_pipeline::app::run", measures, |stack| {
        let frames: Vec<_> = stack.frames_in("data-pipeline/src/");
        let places: Vec<_> = frames.iter().map(|(_, place)| place.as_str()).collect();
        let wanted = [
            awaits!("src/app.rs", "forecast.keep_pace(&progress.written).await"),
            awaits!("src/forecast.rs", "self.measure_pace(written).await"),
            awaits!("src/forecast.rs", "measured(before, written).await"),
            vec![measures.clone()],
        ]
        .concat();
        assert_eq!(places, wanted, "{stack:#?}");
        Some(())
    });
}

#[test]
#[ignore = "builds the demo anew: cargo xtask attach-demos"]
fn without_a_fault_there_is_nothing_to_find() {
    let (session, _) = PIPELINE.start_untouched(&["--load", "40"]);
    session.expect_nothing_from_outside();
}
