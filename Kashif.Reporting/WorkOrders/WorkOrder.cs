using Kashif.Reporting.Agencies;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Workforce;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.WorkOrders;

/// <summary>The state of a work order. While it is <c>scheduled</c> or <c>in_progress</c>, its reports are worked on.</summary>
public enum WorkOrderState
{
    Draft,
    Scheduled,
    InProgress,
    Completed,
    Cancelled,
}

/// <summary>Work for a crew, on one or several reports or on none.</summary>
/// <remarks>Each change of it, of its reports and of its visits locks its row first, then crews, vehicles, visits and reports: see <see cref="OrderLock"/>.</remarks>
internal sealed class WorkOrder
{
    public const int TitleMax = 200;
    public const int DescriptionMax = 4000;
    public const int MaxReports = 100;

    /// <summary>The states of an open work order, as a condition in SQL.</summary>
    public const string OpenSql = "state IN ('draft', 'scheduled', 'in_progress')";

    public Guid Id { get; init; }
    public Guid? ProjectId { get; set; }

    /// <summary>The agency whose staff work on it; null for staff of all agencies.</summary>
    public Guid? AgencyId { get; init; }
    public required string Title { get; set; }
    public string Description { get; set; } = "";
    public Guid? CrewId { get; set; }
    public Guid? VehicleId { get; set; }
    public WorkOrderState State { get; set; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; set; }

    /// <summary>1 when created, incremented at each change: the concurrency token.</summary>
    public int Version { get; set; } = 1;

    public bool IsOpen => State is WorkOrderState.Draft or WorkOrderState.Scheduled or WorkOrderState.InProgress;

    /// <summary>Whether its reports are worked on.</summary>
    public bool IsUnderWay => State is WorkOrderState.Scheduled or WorkOrderState.InProgress;

    /// <summary>Whether the state can change so. What is closed can only be reopened.</summary>
    public bool CanBecome(WorkOrderState to) => State switch
    {
        WorkOrderState.Completed => to is WorkOrderState.InProgress,
        WorkOrderState.Cancelled => to is WorkOrderState.Draft,
        _ => to != State,
    };

    public void Changed(DateTimeOffset now)
    {
        UpdatedAt = now;
        Version++;
    }
}

/// <summary>A report of a work order.</summary>
internal sealed class WorkOrderReport
{
    public Guid WorkOrderId { get; init; }
    public Guid ReportId { get; init; }

    /// <summary>Whether the work order is open. A foreign key keeps it so (<see cref="WorkOrderSchema"/>): set it only for a new row.</summary>
    public bool Open { get; init; } = true;
    public DateTimeOffset AddedAt { get; init; }
}

internal sealed class WorkOrderConfiguration : IEntityTypeConfiguration<WorkOrder>, IEntityTypeConfiguration<WorkOrderReport>
{
    public void Configure(EntityTypeBuilder<WorkOrder> order)
    {
        order.ToTable("work_orders");
        order.HasKey(row => row.Id);
        order.Property(row => row.Id).ValueGeneratedNever();
        order.Property(row => row.Version).IsConcurrencyToken();
        order.Property(row => row.State).HasWireName();
        order.Property<bool>("open").HasComputedColumnSql(WorkOrder.OpenSql, stored: true);
        order.HasIndex(nameof(WorkOrder.Id), "open").IsUnique(); // the foreign key of WorkOrderSchema refers to it
        order.HasOne<Agency>().WithMany().HasForeignKey(row => row.AgencyId).OnDelete(DeleteBehavior.Restrict);
        order.HasOne<Project>().WithMany().HasForeignKey(row => row.ProjectId).OnDelete(DeleteBehavior.Restrict);
        order.HasOne<Crew>().WithMany().HasForeignKey(row => row.CrewId).OnDelete(DeleteBehavior.Restrict);
        order.HasOne<Vehicle>().WithMany().HasForeignKey(row => row.VehicleId).OnDelete(DeleteBehavior.Restrict);
        order.HasIndex(row => new { row.AgencyId, row.Id });
        order.HasIndex(row => row.ProjectId);
        order.HasIndex(row => new { row.CrewId, row.Id });
        order.HasIndex(row => new { row.VehicleId, row.Id });
    }

    public void Configure(EntityTypeBuilder<WorkOrderReport> report)
    {
        report.ToTable("work_order_reports");
        report.HasKey(row => new { row.WorkOrderId, row.ReportId });
        report.Property(row => row.Open).ValueGeneratedNever();
        report.HasOne<WorkOrder>().WithMany().HasForeignKey(row => row.WorkOrderId).OnDelete(DeleteBehavior.Cascade);
        report.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.Cascade);
        report.HasIndex(row => new { row.ReportId, row.WorkOrderId });
        report.HasIndex(row => new { row.WorkOrderId, row.Open });
        report.HasIndex(row => row.ReportId).IsUnique().HasFilter("open").HasDatabaseName(WorkOrderSchema.OneOpenOrder);
    }
}
